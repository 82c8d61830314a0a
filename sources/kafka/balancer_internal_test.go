package kafka

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"github.com/segmentio/kafka-go"
)

// testGroup is a group without brokers.
type testGroup struct {
	t       *testing.T
	members map[string]*balancer
	parts   []kafka.Partition
	gen     int32
	last    kafka.GroupMemberAssignments
	uneven  bool
}

func newTestGroup(t *testing.T, topics map[string]int) *testGroup {
	g := &testGroup{t: t, members: map[string]*balancer{}}
	for topic, n := range topics {
		for id := range n {
			g.parts = append(g.parts, kafka.Partition{Topic: topic, ID: id})
		}
	}
	return g
}

func (g *testGroup) join(id string) { g.members[id] = &balancer{} }

// rebalance has everybody who is there leave in order, and share out anew.
func (g *testGroup) rebalance() kafka.GroupMemberAssignments {
	g.t.Helper()
	var list []kafka.GroupMember
	topics := map[string]bool{}
	for _, p := range g.parts {
		topics[p.Topic] = true
	}
	for id, b := range g.members {
		if g.last[id] != nil {
			b.leave(g.gen, g.last[id])
		}
		data, err := b.UserData()
		if err != nil {
			g.t.Fatal(err)
		}
		list = append(list, kafka.GroupMember{ID: id, Topics: slices.Collect(maps.Keys(topics)), UserData: data})
	}
	g.gen++
	leader := &balancer{}
	g.last = leader.AssignGroups(list, g.parts)
	g.uneven = leader.isUneven()
	for id := range g.members { // who got nothing was there all the same
		if g.last[id] == nil {
			g.last[id] = map[string][]int{}
		}
	}
	return g.last
}

// check says whether every partition has one owner, and the shares are even.
func (g *testGroup) check() {
	g.t.Helper()
	owned, least, most := 0, len(g.parts), 0
	seen := map[string]bool{}
	for id := range g.members {
		n := 0
		for topic, ids := range g.last[id] {
			for _, p := range ids {
				seen[topic+strconv.Itoa(p)] = true
				n++
			}
		}
		owned, least, most = owned+n, min(least, n), max(most, n)
	}
	if owned != len(g.parts) || len(seen) != len(g.parts) || most > least+1 {
		g.t.Errorf("%d partitions shared out as %v", len(g.parts), g.last)
	}
}

// What a dead member left goes to those who were there, even if they have more
// than their share then; the next time all is even.
func TestPartitionsOfDeadMembersGoToMembersOfTheLastGeneration(t *testing.T) {
	g := newTestGroup(t, map[string]int{"a": 3})
	g.join("dead-1")
	g.join("dead-2")
	g.join("here")
	g.rebalance()
	g.check()
	delete(g.members, "dead-1")
	delete(g.members, "dead-2")
	g.join("new-1")
	g.join("new-2")
	g.rebalance()
	if got := g.last["here"]["a"]; len(got) < 2 || !g.uneven {
		t.Errorf("the only one who was there got %v (%v), want what the dead left; uneven is %v", got, g.last, g.uneven)
	}
	g.rebalance()
	if g.check(); g.uneven {
		t.Error("uneven after all was in order")
	}
}

func TestNothingMovesWithoutNeed(t *testing.T) {
	g := newTestGroup(t, map[string]int{"a": 4, "b": 5})
	for _, id := range []string{"x", "y", "z"} {
		g.join(id)
	}
	first := g.rebalance()
	g.check()
	for id, topics := range g.rebalance() {
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
	g := newTestGroup(t, map[string]int{"a": 2})
	g.join("back")
	g.rebalance()
	back := g.members["back"]
	back.leave(g.gen, g.last["back"])
	delete(g.members, "back")
	g.join("here")
	g.join("dead")
	g.rebalance()
	left := g.last["dead"]["a"]
	delete(g.members, "dead")
	g.members["back"] = back
	delete(g.last, "back")
	g.rebalance()
	if got := g.last["here"]["a"]; !slices.Contains(got, left[0]) {
		t.Errorf("who was there got %v, without what the dead left: %v", got, left)
	}
}

func TestSharesAreEvenWhateverHappens(t *testing.T) {
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 7)) //nolint:gosec // reproducible on purpose
		g := newTestGroup(t, map[string]int{"a": 1 + rng.IntN(7), "b": rng.IntN(5)})
		for step := range 20 {
			if len(g.members) == 0 || rng.IntN(2) == 0 {
				g.join(strconv.Itoa(step))
			} else if ids := slices.Sorted(maps.Keys(g.members)); len(ids) > 1 {
				delete(g.members, ids[rng.IntN(len(ids))])
			}
			if g.rebalance(); g.uneven {
				g.rebalance()
			}
			if g.check(); t.Failed() {
				t.Fatalf("seed %d, step %d", seed, step)
			}
		}
	}
}
