// Package sim runs workers, a chat server and brokers together in virtual time,
// breaks what can break, and looks at what people were shown and brokers were told.
//
// The worker, the sink and the XMPP server are real, and speak TLS over connections
// in memory. The brokers are models that keep the contract of package sources as
// loosely as JetStream and Kafka do. A Plan, made of one seed, says what happens;
// an observer that shares no code with the worker says whether it was right. See
// docs/simulation.md.
package sim
