// Package throttle counts what must not be tried too often: pauses between wrong
// passwords, and quotas of mails. It counts in a session store, for all nodes.
package throttle
