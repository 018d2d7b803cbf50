-- The tables of the Auth.js PostgreSQL adapter (npm @auth/pg-adapter), column by
-- column as its documentation gives them, and indexes for what is looked up.
-- A table that is there already is left as it is.
-- table verification_token
create table @.verification_token (
	identifier text not null,
	expires timestamptz not null,
	token text not null,
	primary key (identifier, token)
);
-- table accounts
create table @.accounts (
	id serial,
	"userId" integer not null,
	type varchar(255) not null,
	provider varchar(255) not null,
	"providerAccountId" varchar(255) not null,
	refresh_token text,
	access_token text,
	expires_at bigint,
	id_token text,
	scope text,
	session_state text,
	token_type text,
	primary key (id)
);
create index on @.accounts (provider, "providerAccountId");
create index on @.accounts ("userId");
-- table sessions
create table @.sessions (
	id serial,
	"userId" integer not null,
	expires timestamptz not null,
	"sessionToken" varchar(255) not null,
	primary key (id)
);
create index on @.sessions ("sessionToken");
-- table users
create table @.users (
	id serial,
	name varchar(255),
	email varchar(255),
	"emailVerified" timestamptz,
	image text,
	primary key (id)
);
create index on @.users (lower(email));
