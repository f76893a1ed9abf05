-- The role of whoever records: it may add events and receipts and keep the read model, and change nothing recorded.
--
-- The triggers already refuse changes to everybody, but the owner of the tables can drop a trigger; a member of this
-- role cannot. Run this as the owner once the ledger and its read model are there, and again after every upgrade:
--
--     psql "postgresql://owner@host/database" --set=schema=school --file=roles.sql
--     CREATE ROLE office LOGIN IN ROLE attendance_writer;      -- an account of each program or person that records
--
-- Keys live in a database of their own, and this role says nothing about it.

DO $$ BEGIN
    CREATE ROLE attendance_writer NOLOGIN;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL;  -- one role serves every school of a server; membership is not enough without the grants below
END $$;

GRANT USAGE ON SCHEMA :"schema" TO attendance_writer;
GRANT SELECT, INSERT ON :"schema".stored_events, :"schema".receipts TO attendance_writer;
GRANT SELECT, INSERT, UPDATE, DELETE ON :"schema".entries, :"schema".tracking, :"schema".parked, :"schema".sums TO attendance_writer;
-- Rebuilding makes tables and is the owner's; whoever records sees how far one has come.
GRANT SELECT ON :"schema".rebuilding TO attendance_writer;
