package kafka

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"sync"

	"github.com/segmentio/kafka-go"
)

// balancer shares the partitions out among the members of the group, evenly,
// and such that as few as possible move.
//
// One thing comes before that. A member that died, or lost its broker, leaves
// partitions behind in which it had posted something and not committed it. Who
// gets them must tell what the room has shown, and those who were in the group
// then have seen it; one that has just come may not have. So what was not left
// in good order goes to members of the last generation only. If that makes the
// shares uneven, the leader has the group share out anew a little later, when
// all is in order.
//
// Every member tells the leader which generation it was part of last, and which
// partitions it left in good order then: all of what it posted committed.
type balancer struct {
	mu     sync.Mutex
	claim  claim
	uneven bool // we are the leader, and somebody has more than the others
}

// claim is what a member tells the leader.
type claim struct {
	Generation int32            `json:"generation"` // the last one that it was part of
	Clean      map[string][]int `json:"clean"`      // partitions left in good order then
}

var _ kafka.GroupBalancer = (*balancer)(nil)

// leave notes what becomes of the partitions of a generation that is over.
func (b *balancer) leave(generation int32, clean map[string][]int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.claim.Generation, b.claim.Clean = generation, clean
}

// BalancerName tells this way of sharing from others.
const BalancerName = "xmpp-notifier"

// ProtocolName is part of kafka.GroupBalancer.
func (*balancer) ProtocolName() string { return BalancerName }

// UserData is our claim.
func (b *balancer) UserData() ([]byte, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return json.Marshal(b.claim)
}

// isUneven reports whether the group should share out anew before long.
func (b *balancer) isUneven() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.uneven
}

// AssignGroups is called on one member, the leader.
func (b *balancer) AssignGroups(members []kafka.GroupMember, partitions []kafka.Partition) kafka.GroupMemberAssignments {
	ids := map[string][]int{}
	for _, p := range partitions {
		ids[p.Topic] = append(ids[p.Topic], p.ID)
	}
	a := assignment{members: readClaims(members), load: map[string]int{}, given: kafka.GroupMemberAssignments{}}
	for _, topic := range slices.Sorted(maps.Keys(ids)) {
		slices.Sort(ids[topic])
		a.share(topic, ids[topic])
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.uneven = a.uneven()
	return a.given
}

// member is a member of the group with its claim.
type member struct {
	claim
	id          string
	topics      []string
	established bool // it was part of the last generation
}

// readClaims returns the members, in a fixed order. Claims about older
// generations do not count: others may have left the same partitions in disorder
// since. When all members are new, nothing was left behind.
func readClaims(members []kafka.GroupMember) []member {
	list := make([]member, 0, len(members))
	latest := int32(0)
	for _, m := range members {
		one := member{id: m.ID, topics: m.Topics}
		if json.Unmarshal(m.UserData, &one.claim) != nil {
			one.claim = claim{}
		}
		latest = max(latest, one.Generation)
		list = append(list, one)
	}
	for i := range list {
		if list[i].established = list[i].Generation == latest; !list[i].established {
			list[i].Clean = nil
		}
	}
	slices.SortFunc(list, func(a, b member) int { return cmp.Compare(a.id, b.id) })
	return list
}

// assignment is the work of one AssignGroups.
type assignment struct {
	members []member
	load    map[string]int // partitions that each member has got, of all topics
	given   kafka.GroupMemberAssignments
}

// share gives every partition of a topic to a member that reads it.
func (a *assignment) share(topic string, ids []int) {
	readers := slices.DeleteFunc(slices.Clone(a.members), func(m member) bool { return !slices.Contains(m.topics, topic) })
	established := slices.DeleteFunc(slices.Clone(readers), func(m member) bool { return !m.established })
	if len(established) == 0 {
		established = readers
	}
	if len(readers) == 0 {
		return
	}
	owner := map[int]string{}
	for _, m := range readers {
		for _, id := range m.Clean[topic] {
			owner[id] = m.id
		}
	}
	places := a.places(len(ids), readers)
	give := func(id int, to string) {
		if a.given[to] == nil {
			a.given[to] = map[string][]int{}
		}
		a.given[to][topic] = append(a.given[to][topic], id)
		a.load[to]++
		places[to]--
	}
	var movable []int
	for _, id := range ids {
		if owner[id] == "" {
			give(id, a.least(established))
		}
	}
	for _, id := range ids { // everybody keeps what there is place for
		if to := owner[id]; to != "" && places[to] > 0 {
			give(id, to)
		} else if to != "" {
			movable = append(movable, id)
		}
	}
	for _, id := range movable {
		give(id, a.least(readers))
	}
}

// places says how many of n partitions each reader should get.
func (a *assignment) places(n int, readers []member) map[string]int {
	after := assignment{load: maps.Clone(a.load)}
	places := map[string]int{}
	for range n {
		id := after.least(readers)
		places[id]++
		after.load[id]++
	}
	return places
}

// least returns the member that has got the fewest partitions.
func (a *assignment) least(of []member) string {
	return slices.MinFunc(of, func(x, y member) int { return cmp.Compare(a.load[x.id], a.load[y.id]) }).id
}

// uneven reports that a member has two partitions more than another.
func (a *assignment) uneven() bool {
	low, high := 0, 0
	for i, m := range a.members {
		if i == 0 {
			low = a.load[m.id]
		}
		low, high = min(low, a.load[m.id]), max(high, a.load[m.id])
	}
	return high > low+1
}
