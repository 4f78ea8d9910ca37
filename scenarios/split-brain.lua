-- Two primaries, both written to: the failover manager of the primary hangs while its region is cut off from the others.
--
-- us-east's backbone is cut and Patroni beside the primary stops where it stands, as on an overloaded machine. PostgreSQL itself goes on.
-- Nobody renews the leader's lock, so the others promote a new primary; and nobody demotes the old one, whose users still reach it. Both
-- sides acknowledge writes. When all is well again one side's history is thrown away. Each store is asked for what it has, while both are
-- written and after healing, and each write that was on one side only is named.
--
--   drill scenarios/split-brain.lua                          nothing stands in between: FAIL, one side's writes are lost
--   drill scenarios/split-brain.lua --set failsafe=yes       Patroni's failsafe_mode is for a lost lock store, not for this: FAIL
--   drill scenarios/split-brain.lua --set fence=haproxy      writes go only to the one whose Patroni says now that it has the lock
--   drill scenarios/split-brain.lua --set replication=sync   the old primary gets no more answer from its standby, so it acknowledges none
--   drill scenarios/split-brain.lua --set replication=quorum nor from any other, with PostgreSQL's own quorum commit
return drill {
  title      = "Two primaries at once",
  why        = "A failover manager that hangs does not demote anybody: what keeps two sides from writing must not depend on it.",
  usual      = "60s",
  topology   = "topologies/two-sides.yaml",
  load       = { rate = "200/s", writes = "30%", deadline = "1s" },
  measure    = { hold = "10s" },
  params     = { hang = "20s" },
  objectives = { "divergent <= 0", "lost <= 0" },

  run = function(d)
    d:steady "5s"
    local cut <close> = d:inject(fault.partition { region = "us-east", peer = { "us-west", "eu-west" } })
    local hung <close> = d:inject(fault.pause { service = "patroni@us-east-db" })
    d:wait(d.params.hang)
    d:read_stores "while both are written"
    cut:revert()
    hung:revert()
    d:await_recovery { within = "40s" }
    d:read_stores { label = "healed", within = "40s" } -- whoever was primary is rewound first
  end,
}
