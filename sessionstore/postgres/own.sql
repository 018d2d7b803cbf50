create table if not exists @.signin_version (
	version integer primary key,
	made timestamptz not null default now()
);

-- Whatever the gateway keeps for a time: sessions, revocations, spent sign-ins.
create table if not exists @.signin_kv (
	key bytea primary key,
	value bytea not null,
	expires timestamptz not null
);
create index if not exists signin_kv_expires on @.signin_kv (expires);

-- The account that a user came with first: it makes the id by which applications
-- behind the gateway know them. user_id is users.id, of whatever type.
create table if not exists @.signin_users (
	user_id text primary key,
	provider text not null,
	account_id text not null,
	unique (provider, account_id)
);

-- The tokens of a provider, sealed with the realm's keys.
create table if not exists @.signin_tokens (
	provider text not null,
	account_id text not null,
	sealed bytea not null,
	updated timestamptz not null default now(),
	primary key (provider, account_id)
);

-- Every node hears of every change, whoever makes it.
create or replace function @.signin_kv_changed() returns trigger language plpgsql as $$
begin
	if tg_op = 'TRUNCATE' then
		perform pg_catalog.pg_notify('caddy_signin', tg_table_schema || ' *');
	elsif tg_op = 'INSERT' then
		perform pg_catalog.pg_notify('caddy_signin', tg_table_schema || ' ' || pg_catalog.encode(new.key, 'hex'));
	elsif tg_op = 'UPDATE' or old.expires > pg_catalog.now() then
		perform pg_catalog.pg_notify('caddy_signin', tg_table_schema || ' ' || pg_catalog.encode(old.key, 'hex'));
	end if;
	return null;
end $$;
drop trigger if exists signin_kv_changed on @.signin_kv;
create trigger signin_kv_changed after insert or update or delete on @.signin_kv
	for each row execute function @.signin_kv_changed();
drop trigger if exists signin_kv_truncated on @.signin_kv;
create trigger signin_kv_truncated after truncate on @.signin_kv
	for each statement execute function @.signin_kv_changed();

insert into @.signin_version (version) values (1) on conflict do nothing;
