-- The roles of one school: who records, and who only reads. Run it as the owner, once the ledger is open, and again after
-- every upgrade and every 'attendance repair':
--
--     psql "postgresql://owner@host/database" --set=schema=school_117000 --file=roles.sql
--
-- and, where the keys are kept on PostgreSQL too, once more for the schema that holds them:
--
--     psql "postgresql://owner@otherhost/keys" --set=schema=keys_school_117000 --file=roles.sql
--
-- Each schema gets two roles of its own, attendance_writer_SCHEMA and attendance_reader_SCHEMA, so that no school reads or
-- writes another; whoever records is made a member of both writers, whoever only asks of the ledger's reader (without that
-- of the keys: of codes and figures, and of no name). A name of more than 63 characters is cut and given a digest.
--
-- All of it or nothing: one transaction, which psql leaves with an error at the first thing that goes wrong.

\set ON_ERROR_STOP on
\if :{?schema}
\else
    \warn 'roles.sql: say which school: --set=schema=school_117000'
    \set schema ''
\endif

BEGIN;
SELECT set_config('attendance.schema', :'schema', true) \g /dev/null

DO $$
DECLARE
    school text := current_setting('attendance.schema');
    ending text := CASE WHEN length(school) <= 45 THEN school ELSE left(school, 36) || '_' || left(md5(school), 8) END;
    writer text := 'attendance_writer_' || ending;
    reader text := 'attendance_reader_' || ending;
    is_ledger boolean := to_regclass(format('%I.stored_events', school)) IS NOT NULL;
    is_keys boolean := to_regclass(format('%I.pupil_year_keys', school)) IS NOT NULL;
    read_model text[] := '{entries,tracking,parked,rebuilding,sums}';
    missing text;
    role text;
    named record;
BEGIN
    IF NOT is_ledger AND NOT is_keys THEN
        RAISE EXCEPTION 'schema "%" holds neither a ledger nor keys: open the school first', school;
    END IF;
    SELECT min(name) INTO missing FROM unnest(read_model) AS name WHERE to_regclass(format('%I.%I', school, name)) IS NULL;
    IF is_ledger AND missing IS NOT NULL THEN
        RAISE EXCEPTION 'table % is not there yet: ''attendance project'' makes the read model', missing;
    END IF;
    IF is_ledger AND to_regprocedure(format('%I.receipt_after_saves(text)', school)) IS NULL THEN
        RAISE EXCEPTION 'the ledger is of an older format: run ''attendance repair'' first';
    END IF;

    FOREACH role IN ARRAY ARRAY[writer, reader] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN', role);
        END IF;
        EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', school, role);
        EXECUTE format('GRANT SELECT ON ALL TABLES IN SCHEMA %I TO %I', school, role);
    END LOOP;

    IF is_ledger THEN
        -- Only the owner has more than that: whoever records calls the function that does.
        FOR named IN SELECT tablename AS name FROM pg_tables WHERE schemaname = school LOOP
            IF named.name = ANY (read_model) AND named.name <> 'rebuilding' THEN
                EXECUTE format('GRANT INSERT, UPDATE, DELETE ON %I.%I TO %I', school, named.name, writer);
            END IF;
        END LOOP;
        FOR named IN SELECT oid::regprocedure AS name FROM pg_proc
                     WHERE pronamespace = school::regnamespace AND proname IN ('append_events', 'receipt_after_saves') LOOP
            EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', named.name);
            EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %I', named.name, writer);
        END LOOP;
    END IF;

    IF is_keys THEN
        EXECUTE format('GRANT INSERT, DELETE ON %I.pupil_year_keys TO %I', school, writer);
        -- What is remembered of seals is added to and never taken away.
        IF to_regclass(format('%I.seals', school)) IS NOT NULL THEN
            EXECUTE format('GRANT INSERT, UPDATE ON %I.seals TO %I', school, writer);
        END IF;
    END IF;

    -- The role of an earlier release served every school of a server, and could insert as it liked.
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'attendance_writer') THEN
        EXECUTE format('REVOKE ALL ON ALL TABLES IN SCHEMA %I FROM attendance_writer', school);
        EXECUTE format('REVOKE ALL ON SCHEMA %I FROM attendance_writer', school);
    END IF;
END $$;
COMMIT;
