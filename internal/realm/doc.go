// Package realm is a realm at work. A Realm has what requests need of the
// configuration, made once; a Site is a realm as seen at one public address; a
// Request is what the realm knows of one request, which handlers attach, ask for
// the session, and finish. What is answered for a realm, whoever answers, is here
// too. It knows nothing of the configuration's form, nor of the endpoints.
package realm
