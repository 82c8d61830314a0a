package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// notification is what the sample services publish: the native format.
type notification struct {
	ID       string    `json:"id"`
	Time     time.Time `json:"time"`
	Severity string    `json:"severity"`
	Subject  string    `json:"subject"`
	Message  string    `json:"message"`
	Source   string    `json:"source"`
	HostName string    `json:"hostName"`
}

// sample returns the n-th notification. No two have the same text, so that
// each one can be told from the others in the room.
func sample(n int) notification {
	db, shop := fmt.Sprintf("db-%d", n), fmt.Sprintf("shop 4.12.%d", n)
	list := []notification{
		{Severity: "warning", Source: "host-watch", HostName: db, Subject: "Disk almost full on " + db, Message: "/var/lib/postgresql is at 91 %, 14 GB are left"},
		{Severity: "info", Source: "deploy", HostName: "ci-2", Subject: shop + " is live", Message: "12 of 12 pods are ready after 48 s"},
		{Severity: "error", Source: "payments", HostName: "pay-1", Subject: "Payments are slow", Message: fmt.Sprintf("p99 is 4.2 s; order %d waited for 9 s", 1000+n)},
		{Severity: "warning", Source: "host-watch", HostName: "edge-1", Subject: fmt.Sprintf("Certificate of shop-%d expires in 6 days", n), Message: "The last renewal failed: DNS challenge timed out"},
		{Severity: "critical", Source: "host-watch", HostName: db, Subject: "Disk full on " + db, Message: "/var/lib/postgresql is at 100 %: writes fail"},
		{Severity: "error", Source: "deploy", HostName: "ci-2", Subject: "Deploy of " + shop + " failed", Message: "3 of 12 pods crash at start; rolled back"},
		{Severity: "info", Source: "payments", HostName: "pay-1", Subject: "Payments are back to normal", Message: fmt.Sprintf("p99 is 0.3 s since order %d", 1000+n)},
	}
	s := list[(n-1)%len(list)]
	s.ID = fmt.Sprintf("%s-%d", s.Source, n)
	s.Time = time.Now().UTC().Truncate(time.Second)
	return s
}

// publishNext publishes the next sample in the name of its service.
func (d *demo) publishNext() error {
	s := sample(d.sent + 1)
	body, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("encode sample %d: %w", d.sent+1, err)
	}
	return d.publish(s.Source, s.Subject, body)
}

// publish says so first: what follows from it must come after it on the screen.
func (d *demo) publish(service, title string, body []byte) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	d.sent++
	subject := "notify." + service
	d.screen.line(cyan, "publish", fmt.Sprintf("#%d %s: %s", d.sent, subject, title))
	if _, err := d.broker.js.Publish(ctx, subject, body); err != nil {
		return fmt.Errorf("publish to %s: %w", subject, err)
	}
	return nil
}
