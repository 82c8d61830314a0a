//go:build mutants

package sim_test

// mutant is a mistake that somebody could make: in the one place of dir where it
// says old, it says new. The simulator must find it.
type mutant struct {
	name, dir, old, new string
	more                []edit
}

// edit is a further place.
type edit struct{ dir, old, new string }

// The mutants, by what they break.
func mutants() []mutant {
	return []mutant{
		// The worker
		{"acknowledge when submitted, before the reflection", "worker", "	for sent := range posts {\n", "	defer p.done(0, sink.Result{Outcome: sink.Delivered})\n	p.left = 0\n	for sent := range posts {\n", nil},
		{"acknowledge what was dropped", "worker", "	case p.dropped:\n", "	case false:\n", nil},
		{"acknowledge what the room refused", "worker", "	case p.rejected != nil:\n", "	case false:\n", nil},
		{"release what the room has shown", "worker", "	default:\n		p.ack()\n", "	default:\n		p.loop.unacked.release(p.posts)\n		p.loop.release(p.delivery)\n", nil},
		{"take a failed dead letter for written", "worker", "	err := job.delivery.Reject(ctx, job.reason)\n	if err == nil {", "	err := job.delivery.Reject(ctx, job.reason)\n	if err != nil {\n		_ = job.delivery.Ack(func() {})\n		err = nil\n	}\n	if err == nil {", nil},
		{"give up a dead letter after one failure", "worker", "		case !l.writeDeadLetter(ctx, job):\n			failed = append(failed, job)\n", "		case !l.writeDeadLetter(ctx, job):\n			l.release(job.delivery)\n", nil},
		{"acknowledge what does not decode", "worker", "		l.reject(delivery, sources.Reason{Code: sources.ReasonDecode, Err: delivery.Malformed})\n		return\n", "		_ = delivery.Ack(func() {})\n		l.pending.remove(delivery)\n		return\n", nil},
		{"forget to free a place after an acknowledgement", "worker", "		l.tell(Event{Kind: Acked, Delivery: p.delivery})\n	}\n	l.pending.remove(p.delivery)\n", "		l.tell(Event{Kind: Acked, Delivery: p.delivery})\n	}\n", nil},
		{"free the unacknowledged when acknowledged, not when durable", "worker", "	if err := p.delivery.Ack(durable); err != nil {\n", "	durable()\n	if err := p.delivery.Ack(func() {}); err != nil {\n", nil},
		{"no bound of what is unacknowledged", "worker", "	return s.taken+n <= own+max(0, shared)\n", "	return true\n", nil},
		{"one bound for two sources", "worker", "	own := max(1, limit/(2*count))\n", "	own := 0\n", nil},
		{"never free what is unacknowledged", "worker", "	s.taken -= n\n", "	_ = n\n", nil},
		{"twice as many pending", "worker", "func (w *Worker) MaxPending() int { return 2 * w.MaxInFlight }", "func (w *Worker) MaxPending() int { return 4 * w.MaxInFlight }", nil},
		{"receive one more than there are places", "worker", "	limit = sources.Limit{Messages: p.maxMessages - p.messages}\n", "	limit = sources.Limit{Messages: p.maxMessages - p.messages + 1}\n", nil},
		{"no bound of bytes", "worker", "	if p.maxBytes > 0 {\n		limit.Bytes = p.maxBytes - p.bytes\n	}\n	if limit.Messages > 0 && (p.maxBytes == 0 || limit.Bytes > 0) {", "	if limit.Messages > 0 {", nil},
		{"bytes that are never freed", "worker", "	p.bytes -= d.Size()\n", "", nil},
		{"ignore that a delivery is lost", "worker", "		Lost:     p.delivery.Lost(),\n", "", nil},
		{"do not wait for what is pending at the end", "worker", "	if l.pending.awaitNone(grace) != nil {", "	if grace == nil {", nil},
		{"an identity for each attempt", "worker", "posts[i] = post{delivery.PartIdentity(part), ", "posts[i] = post{delivery.PartIdentity(part) + string(rune('0'+delivery.Attempt)), ", nil},
		{"stop receiving after an error", "worker", "			retry.wait(ctx, err)\n", "			retry.wait(ctx, err)\n			return\n", nil},
		{"leave a dead letter that failed at a stop", "worker", "			for _, job := range failed {\n				l.release(job.delivery)\n			}\n			return\n", "			return\n", nil},

		// The ids and the ledger
		{"the key is not in the id", "sink/internal/outbox", "	mac := m.mac()\n", "	mac := hmac.New(sha256.New, nil)\n", nil},
		{"an id that changes with every start", "sink/internal/outbox", "		copy(raw[:nameSize], m.hash('n', identity))\n", "		copy(raw[:nameSize], m.hash('n', identity))\n		_, _ = rand.Read(raw[:1])\n", nil},
		{"ids of others are not remembered", "sink/internal/outbox", "	if !ours && !l.ids.made(id) {\n", "	if !ours {\n", nil},
		{"ids of strangers are taken for genuine", "sink/internal/outbox", "	return hmac.Equal(raw[nameSize:], m.hash('t', string(raw[:nameSize]))[:tagSize])\n", "	return true\n", nil},
		{"forget after four ids", "sink/internal/outbox", "const ledgerSize = 16 << 10\n", "const ledgerSize = 4\n", nil},
		{"do not look into the ledger at a submission", "sink/internal/outbox", "	case b.ledger.has(e.id):\n		b.settle(e, Result{Outcome: Suppressed})\n		return\n", "	case false:\n", nil},
		{"do not look into the ledger at a resend", "sink/internal/outbox", "		case !e.again && b.ledger.has(e.id):\n			b.settle(e, Result{Outcome: Delivered})\n", "", nil},

		// What is in flight
		{"settle what a stranger shows with our id", "sink/internal/outbox", "	case ours && (own || b.link == nil && string(from) == e.from):\n", "	case ours:\n", nil},
		{"settle by the nickname that we have now", "sink/internal/outbox", "	case ours && (own || b.link == nil && string(from) == e.from):\n", "	case ours && own:\n", nil},
		{"settle when sent", "sink/internal/outbox", "	b.link.Post(e.id, e.Body, e.Extra)\n", "	b.link.Post(e.id, e.Body, e.Extra)\n	b.settle(e, Result{Outcome: Delivered})\n", nil},
		{"forget the second of two submissions", "sink/internal/outbox", "		twin.Done = both(twin.Done, m.Done)\n", "", nil},
		{"free no place after a twin", "sink/internal/outbox", "			twin.Lost = nil // one of the two stays ours\n		}\n		b.places.free(1)\n", "			twin.Lost = nil // one of the two stays ours\n		}\n", nil},
		{"resend in the wrong order", "sink/internal/outbox", "	for _, e := range slices.Clone(b.queue) { // settling shortens it\n		switch {\n		case e.over:\n		case !e.again", "	again := slices.Clone(b.queue)\n	slices.Reverse(again)\n	for _, e := range again {\n		switch {\n		case e.over:\n		case !e.again", nil},
		{"resend nothing", "sink/internal/outbox", "			b.inflight[e.id] = e\n			b.send(e)\n		}\n	}\n	if", "			b.inflight[e.id] = e\n		}\n	}\n	if", nil},
		{"resend to nobody what was reflected last", "sink/internal/outbox", "	if b.history.lostCopies() {\n		b.queue =", "	if false {\n		b.queue =", nil},
		{"resend what was reflected last, always", "sink/internal/outbox", "	if b.history.lostCopies() {\n		b.queue =", "	if true {\n		b.queue =", nil},
		{"take for ours what another worker sent again", "sink/internal/outbox", "b.recent.after(b.history.ours)", "b.recent.after(b.history.known)", nil},
		{"count no possible duplicates", "sink/internal/outbox", "		possibleDuplicates = resent\n", "		possibleDuplicates = 0\n", nil},
		{"reject for the room's state", "sink/internal/outbox", "	case AboutRoom: // repair\n", "	case AboutRoom:\n		b.settle(e, Result{Outcome: Rejected, Err: why})\n		return nil\n", nil},
		{"reject at the first unclear bounce", "sink/internal/outbox", "const maxUnclear = 2\n", "const maxUnclear = -1\n", nil},
		{"drop nothing at the end", "sink/internal/outbox", "			b.settle(e, Result{Outcome: Dropped, Err: ErrClosed})\n", "", nil},
		{"call back for half of what is settled", "sink/internal/outbox", "	for _, s := range batch {\n		if s.done != nil {\n", "	for i, s := range batch {\n		if s.done != nil && i%2 == 0 {\n", nil},
		{"free the places of half of what is settled", "sink/internal/outbox", "	b.places.free(free)\n", "	b.places.free((free + 1) / 2)\n", nil},

		// Faults that were found in the field
		{
			"settle by text from a history", "sink", "	if s.recognised(e, own) || !own || s.phase != inRoom || s.lessons.keepsIDs.Load() {\n		return\n	}\n",
			"	if s.recognised(e, own) || !own || s.lessons.keepsIDs.Load() {\n		return\n	}\n	if s.phase != inRoom {\n		s.box.SeenText(bodyOf(e))\n		return\n	}\n",
			[]edit{{"sink/internal/outbox", "	if b.link == nil || e == nil || !e.sent || ", "	if e == nil || !e.sent || "}},
		},
		{"settle by text before the room has proven that it keeps no ids", "sink", "	if s.lessons.losesIDs {\n		s.box.SeenText(text)\n", "	if true {\n		s.box.SeenText(text)\n", nil},
		{"an archive that refuses counts", "sink", "		s.lessons.archive = false\n		s.catchup.archive = false\n", "		s.lessons.archive = true\n", nil},

		// The room
		{"skip the check of the sender", "sink", "	own := string(e.From) == s.us.address\n	if s.recognised(", "	own := true\n	if s.recognised(", nil},
		{"ask for no history", "sink", "func (c Config) History() int { return max(HistoryWanted, 3*c.MaxInFlight) }", "func (c Config) History() int { return 0 }", nil},
		{"enter before the history has been read", "sink", "	s.ping(func(conn.Answer) error { return s.fence() })\n}", "	s.enter()\n}", nil},
		{"never notice a stall", "sink", "	case s.box.Stalled(now) > s.cfg.StallTimeout:\n", "	case false:\n", nil},
		{"never notice silence", "sink", "if end := s.overdue(now, silent > 2*interval); end != nil {", "if end := s.overdue(now, false); end != nil {", nil},
		{"do not ask whether we are in the room", "sink", "				s.wake()\n				pinged = true\n", "				pinged = true\n", nil},
		{"believe any answer to a self-ping", "sink", "	return notInRoom(s.us.room, c)\n", "	return nil\n", nil},
		{"stay when put out of the room", "sink", "	if s.phase != joining && own {", "	if false && own {", nil},
		{"a taken nickname is the end", "sink", "	if c.Name == \"conflict\" && s.us.another() {\n", "	if false {\n", nil},
		{"give up after a refusal", "sink", "		wait := nextPause(&pause, inRoom, err)\n", "		wait := nextPause(&pause, inRoom, err)\n		if isLasting(err) {\n			<-ctx.Done()\n		}\n", nil},
		{"leave the room's making to nobody", "sink", "	if created && !s.cfg.RoomCreate {\n		s.cancel()\n		return nil\n	}\n", "", nil},
		{"an end of the server is an orderly one", "sink", "	default: // silence, a stall, the network\n		return outbox.BrokenOff\n", "	default:\n		return outbox.Parted\n", nil},
	}
}
