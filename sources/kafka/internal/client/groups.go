package client

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/xmpp-notifier/xmpp-notifier/check"
)

const (
	describeGroupsVersion   = 5
	describeConsumerVersion = 1
	consumerProtocol        = "consumer" // of groups that read topics
)

// Workers counts the members of the group without joining it. The error is a
// *check.Fault if some are not workers: whoever joined would take partitions from
// them, or could not join at all.
func (c *Client) Workers(ctx context.Context) (int, error) {
	if err := c.newProtocolMembers(ctx); err != nil {
		return 0, err
	}
	request := kmsg.NewPtrDescribeGroupsRequest()
	request.Groups = []string{c.Config.GroupID}
	response, err := c.requestGroup(ctx, describeGroupsVersion, request)
	if err != nil {
		return 0, c.noteGroup(err)
	}
	groups := response.(*kmsg.DescribeGroupsResponse).Groups
	if len(groups) == 0 {
		return 0, nil
	}
	group := &groups[0]
	if err := codeError(group.ErrorCode); err != nil {
		return 0, c.noteGroup(err)
	}
	var others []string
	for _, m := range group.Members {
		if m.ClientID != clientID {
			others = append(others, m.ClientID)
		}
	}
	if len(group.Members) > 0 && group.ProtocolType != consumerProtocol || len(others) > 0 {
		return 0, c.foreignGroup(group.ProtocolType, others)
	}
	return len(group.Members), nil
}

// newProtocolMembers finds members that share the partitions out by the protocol of
// KIP-848, which we do not speak. Brokers that do not know it have none.
func (c *Client) newProtocolMembers(ctx context.Context) error {
	request := kmsg.NewPtrConsumerGroupDescribeRequest()
	request.Groups = []string{c.Config.GroupID}
	response, err := c.requestGroup(ctx, describeConsumerVersion, request)
	if err != nil {
		return nil //nolint:nilerr // an older broker; what else is wrong the next question tells
	}
	for _, group := range response.(*kmsg.ConsumerGroupDescribeResponse).Groups {
		var clients []string
		for _, m := range group.Members {
			clients = append(clients, m.ClientID)
		}
		if group.ErrorCode == 0 && len(clients) > 0 {
			return c.foreignGroup("new consumer (KIP-848)", clients)
		}
	}
	return nil
}

func (c *Client) foreignGroup(protocol string, clients []string) error {
	slices.Sort(clients)
	return &check.Fault{
		What: fmt.Sprintf("group %s belongs to another application: protocol %q, clients %q", c.Config.GroupID, protocol, strings.Join(slices.Compact(clients), ", ")),
		Fix:  "set KAFKA_GROUP_ID to a name of the workers' own",
	}
}
