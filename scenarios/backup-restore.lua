-- Replication is not a backup: a bad migration takes the data from all three servers at once, and they come back from a copy in another region.
--
-- The store has three replicas, and two repositories of pgBackRest's: files beside the primary, and objects in eu-west. A migration drops
-- the table. Both standbys repeat that within milliseconds, so there is nobody to fail over to. Five seconds later an operator begins
-- point-in-time recovery to the moment before the migration: all servers stop, the primary's files come from the repository, its log is
-- replayed up to that moment, it serves, and the replicas are made anew. Users go on asking all the time, and every write that they were
-- told is stored is asked for afterwards.
--
--   drill scenarios/backup-restore.lua                            from the objects in eu-west
--   drill scenarios/backup-restore.lua --set copy=files           from the files beside the primary
--   drill scenarios/backup-restore.lua --set migration=delete     all rows go and the table stays: nobody fails, so nobody stops writing,
--                                                                 and all that is written until somebody notices is lost: FAIL
return drill {
  title      = "Restore after a bad migration",
  why        = "Replicas repeat every mistake within milliseconds; what brings data back is a copy that does not.",
  usual      = "90s",
  topology   = "topologies/backed-up.yaml",
  load       = { rate = "200/s", writes = "30%", deadline = "1s" },
  measure    = { hold = "10s" },
  params     = { migration = "drop", notice = "5s" },
  objectives = { "rto <= 60s", "rpo <= 1s" },

  run = function(d)
    d:steady "15s" -- writes that are in the log only: the backups are older
    local bad <close> = d:inject(fault.change { control = "schema", set = d.params.migration })
    d:wait(d.params.notice)
    if d.params.migration == "delete" then d:read_stores "after the migration" end
    local recovery <close> = d:inject(fault.change { control = "recovery", set = "started" })
    d:await_recovery { within = "60s" }
    recovery:revert() -- waits until the replicas are there again
    bad:revert() -- nothing is left to be done: the schema is the initial one
    d:await_recovery { within = "30s" }
  end,
}
