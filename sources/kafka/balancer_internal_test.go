package kafka

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"github.com/segmentio/kafka-go"
)

// office is a group without brokers.
type office struct {
	t       *testing.T
	members map[string]*balancer
	parts   []kafka.Partition
	gen     int32
	last    kafka.GroupMemberAssignments
	uneven  bool
}

func newOffice(t *testing.T, topics map[string]int) *office {
	o := &office{t: t, members: map[string]*balancer{}}
	for topic, n := range topics {
		for id := range n {
			o.parts = append(o.parts, kafka.Partition{Topic: topic, ID: id})
		}
	}
	return o
}

func (o *office) hire(id string) { o.members[id] = &balancer{} }

// rebalance has everybody who is there leave in order, and share out anew.
func (o *office) rebalance() kafka.GroupMemberAssignments {
	o.t.Helper()
	var list []kafka.GroupMember
	topics := map[string]bool{}
	for _, p := range o.parts {
		topics[p.Topic] = true
	}
	for id, b := range o.members {
		if o.last[id] != nil {
			b.leave(o.gen, o.last[id])
		}
		data, err := b.UserData()
		if err != nil {
			o.t.Fatal(err)
		}
		list = append(list, kafka.GroupMember{ID: id, Topics: slices.Collect(maps.Keys(topics)), UserData: data})
	}
	o.gen++
	leader := &balancer{}
	o.last = leader.AssignGroups(list, o.parts)
	o.uneven = leader.isUneven()
	for id := range o.members { // who got nothing was there all the same
		if o.last[id] == nil {
			o.last[id] = map[string][]int{}
		}
	}
	return o.last
}

// check says whether every partition has one owner, and the shares are even.
func (o *office) check() {
	o.t.Helper()
	owned, least, most := 0, len(o.parts), 0
	seen := map[string]bool{}
	for id := range o.members {
		n := 0
		for topic, ids := range o.last[id] {
			for _, p := range ids {
				seen[topic+strconv.Itoa(p)] = true
				n++
			}
		}
		owned, least, most = owned+n, min(least, n), max(most, n)
	}
	if owned != len(o.parts) || len(seen) != len(o.parts) || most > least+1 {
		o.t.Errorf("%d partitions shared out as %v", len(o.parts), o.last)
	}
}

// What a dead member left goes to those who were there, even if they have more
// than their share then; the next time all is even.
func TestWhatTheDeadLeftGoesToThoseWhoWereThere(t *testing.T) {
	o := newOffice(t, map[string]int{"a": 3})
	o.hire("dead-1")
	o.hire("dead-2")
	o.hire("here")
	o.rebalance()
	o.check()
	delete(o.members, "dead-1")
	delete(o.members, "dead-2")
	o.hire("new-1")
	o.hire("new-2")
	o.rebalance()
	if got := o.last["here"]["a"]; len(got) < 2 || !o.uneven {
		t.Errorf("the only one who was there got %v (%v), want what the dead left; uneven is %v", got, o.last, o.uneven)
	}
	o.rebalance()
	if o.check(); o.uneven {
		t.Error("uneven after all was in order")
	}
}

func TestNothingMovesWithoutNeed(t *testing.T) {
	o := newOffice(t, map[string]int{"a": 4, "b": 5})
	for _, id := range []string{"x", "y", "z"} {
		o.hire(id)
	}
	first := o.rebalance()
	o.check()
	for id, topics := range o.rebalance() {
		for topic, ids := range topics {
			slices.Sort(ids)
			slices.Sort(first[id][topic])
			if !slices.Equal(ids, first[id][topic]) {
				t.Errorf("%s had %v of %s and has %v now", id, first[id][topic], topic, ids)
			}
		}
	}
}

// A claim of a member that missed a generation says nothing: the partition may
// have been left in disorder since.
func TestOldClaimsAreIgnored(t *testing.T) {
	o := newOffice(t, map[string]int{"a": 2})
	o.hire("back")
	o.rebalance()
	back := o.members["back"]
	back.leave(o.gen, o.last["back"])
	delete(o.members, "back")
	o.hire("here")
	o.hire("dead")
	o.rebalance()
	left := o.last["dead"]["a"]
	delete(o.members, "dead")
	o.members["back"] = back
	delete(o.last, "back")
	o.rebalance()
	if got := o.last["here"]["a"]; !slices.Contains(got, left[0]) {
		t.Errorf("who was there got %v, without what the dead left: %v", got, left)
	}
}

func TestSharesAreEvenWhateverHappens(t *testing.T) {
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 7)) //nolint:gosec // reproducible on purpose
		o := newOffice(t, map[string]int{"a": 1 + rng.IntN(7), "b": rng.IntN(5)})
		for step := range 20 {
			if len(o.members) == 0 || rng.IntN(2) == 0 {
				o.hire(strconv.Itoa(step))
			} else if ids := slices.Sorted(maps.Keys(o.members)); len(ids) > 1 {
				delete(o.members, ids[rng.IntN(len(ids))])
			}
			if o.rebalance(); o.uneven {
				o.rebalance()
			}
			if o.check(); t.Failed() {
				t.Fatalf("seed %d, step %d", seed, step)
			}
		}
	}
}
