CREATE VIEW reports.seals AS
SELECT s.seal_no,
       s.sealed_at,
       (s.sealed_at AT TIME ZONE 'UTC')::date AS day,
       s.row_count,
       s.format,
       s.epoch,
       s.from_xid,
       s.to_xid,
       s.parts,
       encode(s.root, 'hex') AS root,
       encode(s.previous_hash, 'hex') AS previous_hash,
       encode(s.hash, 'hex') AS hash,
       s.key_id,
       s.host
  FROM audit.seals s;

COMMENT ON VIEW reports.seals IS
  'One row a seal of the audit trail: how many records it closes and its place in the chain. What opitios audit verify checks.';
COMMENT ON COLUMN reports.seals.seal_no IS 'The seal''s number: without gaps from the first.';
COMMENT ON COLUMN reports.seals.sealed_at IS 'When it was made, by the clock of the sealer''s host.';
COMMENT ON COLUMN reports.seals.day IS 'The day of it, UTC.';
COMMENT ON COLUMN reports.seals.row_count IS 'How many records it closes; none when nothing happened.';
COMMENT ON COLUMN reports.seals.format IS 'The form of the sealed text; it follows from the version.';
COMMENT ON COLUMN reports.seals.epoch IS 'Rises when the database was restored from a dump.';
COMMENT ON COLUMN reports.seals.from_xid IS 'The first transaction that it closes.';
COMMENT ON COLUMN reports.seals.to_xid IS 'The first transaction that it does not close any more.';
COMMENT ON COLUMN reports.seals.parts IS 'Count and root of each table and month, as JSON.';
COMMENT ON COLUMN reports.seals.root IS 'What all its records come to, as hex.';
COMMENT ON COLUMN reports.seals.previous_hash IS 'The hash of the seal before it, as hex.';
COMMENT ON COLUMN reports.seals.hash IS 'What is signed, and stands in the checkpoint file, as hex.';
COMMENT ON COLUMN reports.seals.key_id IS 'Which key has signed it.';
COMMENT ON COLUMN reports.seals.host IS 'The machine it happened on.';
