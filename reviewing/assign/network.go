package assign

// network is a flow of least cost by the network simplex method, with strongly
// feasible trees against cycling (Cunningham 1976) and a search for the entering
// arc in blocks (Kelly and O'Neill 1991). Everything is in integers.
type network struct {
	supply []int64
	from   []int32
	to     []int32
	room   []int64 // per arc, at most so much flow
	cost   []int64
	flow   []int64

	state     []int8 // per arc: at nothing, in the tree, full
	parent    []int32
	up        []int32 // per node, the arc to its parent
	depth     []int32
	child     []int32 // first child; then next, with prev backwards
	next      []int32
	prev      []int32
	potential []int64
}

const (
	full    int8 = -1
	inTree  int8 = 0
	nothing int8 = 1
)

func (n *network) arc(from, to int32, room, cost int64) {
	n.from, n.to, n.room, n.cost = append(n.from, from), append(n.to, to), append(n.room, room), append(n.cost, cost)
}

// solve finds the flow; false if supplies cannot all be met.
func (n *network) solve() bool {
	arcs, root := len(n.from), int32(len(n.supply))
	dear := int64(1)
	for _, c := range n.cost {
		dear = max(dear, c, -c)
	}
	dear = min(1<<60, (dear+1)*int64(min(len(n.supply)+1, 1<<60/int(dear+1))))
	nodes := len(n.supply) + 1
	for _, list := range []*[]int32{&n.parent, &n.up, &n.depth, &n.child, &n.next, &n.prev} {
		*list = make([]int32, nodes)
	}
	n.potential = make([]int64, nodes)
	for u := range nodes {
		n.child[u], n.next[u], n.prev[u] = -1, -1, -1
	}
	n.parent[root], n.up[root] = -1, -1
	for u, s := range n.supply { // an artificial arc per node
		if s >= 0 {
			n.arc(int32(u), root, 1<<61, dear)
			n.potential[u] = -dear
		} else {
			n.arc(root, int32(u), 1<<61, dear)
			n.potential[u] = dear
		}
		n.up[u] = int32(arcs + u)
		n.depth[u] = 1
		n.adopt(root, int32(u))
	}
	n.flow, n.state = make([]int64, len(n.from)), make([]int8, len(n.from))
	for e := range arcs {
		n.state[e] = nothing
	}
	for u, s := range n.supply {
		n.flow[arcs+u] = max(s, -s)
	}
	block := 64
	for block*block < arcs {
		block *= 2
	}
	for at, looked := 0, 0; looked < arcs; {
		best, enter := int64(0), -1
		for range block {
			if c := int64(n.state[at]) * (n.cost[at] + n.potential[n.from[at]] - n.potential[n.to[at]]); c < best {
				best, enter = c, at
			}
			looked++
			if at++; at == arcs {
				at = 0
			}
		}
		if enter >= 0 {
			n.pivot(int32(enter))
			looked = 0
		}
	}
	for u := range n.supply {
		if n.flow[arcs+u] > 0 {
			return false
		}
	}
	return true
}

// adopt hangs a node below another.
func (n *network) adopt(parent, u int32) {
	n.parent[u] = parent
	n.prev[u], n.next[u] = -1, n.child[parent]
	if n.next[u] >= 0 {
		n.prev[n.next[u]] = u
	}
	n.child[parent] = u
}

// leave takes a node from its parent's children.
func (n *network) leave(u int32) {
	if n.prev[u] >= 0 {
		n.next[n.prev[u]] = n.next[u]
	} else {
		n.child[n.parent[u]] = n.next[u]
	}
	if n.next[u] >= 0 {
		n.prev[n.next[u]] = n.prev[u]
	}
}

// pivot sends flow round the cycle that an arc closes, and takes it into the
// tree in place of the arc that stops the flow.
func (n *network) pivot(enter int32) {
	first, second := n.from[enter], n.to[enter]
	if n.state[enter] == full {
		first, second = second, first
	}
	a, b := first, second
	for a != b { // the nearest node above both
		if n.depth[a] >= n.depth[b] {
			a = n.parent[a]
		} else {
			b = n.parent[b]
		}
	}
	join := a
	most, out, side := n.room[enter], int32(-1), 0
	for u := first; u != join; u = n.parent[u] { // flow comes down here
		if d := n.left(u, false); d < most {
			most, out, side = d, u, 1
		}
	}
	for u := second; u != join; u = n.parent[u] { // and goes up here
		if d := n.left(u, true); d <= most {
			most, out, side = d, u, 2
		}
	}
	if most > 0 {
		n.flow[enter] += int64(n.state[enter]) * most
		for u := first; u != join; u = n.parent[u] {
			n.send(u, -most)
		}
		for u := second; u != join; u = n.parent[u] {
			n.send(u, most)
		}
	}
	if out < 0 {
		n.state[enter] = -n.state[enter]
		return
	}
	e := n.up[out]
	if n.state[enter] = inTree; n.flow[e] == 0 {
		n.state[e] = nothing
	} else {
		n.state[e] = full
	}
	below, above := first, second
	if side == 2 {
		below, above = second, first
	}
	for u, parent, arc := below, above, enter; ; { // turn the path from below to out round
		old, oldArc := n.parent[u], n.up[u]
		n.leave(u)
		n.adopt(parent, u)
		n.up[u] = arc
		if u == out {
			break
		}
		u, parent, arc = old, u, oldArc
	}
	shift := n.potential[above] - n.potential[below]
	if n.from[enter] == below {
		shift -= n.cost[enter]
	} else {
		shift += n.cost[enter]
	}
	for u := below; ; { // everything below, in depth
		n.potential[u] += shift
		n.depth[u] = n.depth[n.parent[u]] + 1
		if n.child[u] >= 0 {
			u = n.child[u]
			continue
		}
		for u != below && n.next[u] < 0 {
			u = n.parent[u]
		}
		if u == below {
			break
		}
		u = n.next[u]
	}
}

// left is how much more flow a node's tree arc takes upwards or downwards.
func (n *network) left(u int32, upwards bool) int64 {
	e := n.up[u]
	if (n.from[e] == u) == upwards {
		return n.room[e] - n.flow[e]
	}
	return n.flow[e]
}

// send flow upwards from a node, downwards if negative.
func (n *network) send(u int32, by int64) {
	if e := n.up[u]; n.from[e] == u {
		n.flow[e] += by
	} else {
		n.flow[e] -= by
	}
}
