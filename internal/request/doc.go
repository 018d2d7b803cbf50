// Package request tells what a request says: the public origin it asks for, who
// sends it and in which way (Fetch Metadata), and whether its target would be
// read in more than one way. It also removes from a request what only the gateway
// may say. It knows nothing of realms or sessions.
package request
