-- Lose the primary's region while its replicas are behind.
--
-- For three seconds us-east's path to the other regions is cut, so replication stands still while its users go on writing. Then the whole
-- region goes dark. With asynchronous replication everything acknowledged in those three seconds is gone; with synchronous replication
-- the store stops acknowledging instead, and nothing is. Same topology, one setting:
--
--   drill scenarios/lagging-replica.lua --set replication=async     loses about three seconds of writes: FAIL
--   drill scenarios/lagging-replica.lua --set replication=sync      loses none
return drill {
  title      = "Lose us-east while replication lags",
  why        = "Data is lost when a region fails at a bad moment: how much is decided by the replication mode, not by luck.",
  usual      = "50s",
  topology   = "topologies/three-region.yaml",
  load       = { rate = "300/s", writes = "30%", deadline = "1s" },
  measure    = { hold = "10s" },
  params     = { lag = "3s" },
  objectives = { "rto <= 30s", "lost <= 0", "rpo <= 0s" },

  run = function(d)
    d:steady "5s"
    local cut_west <close> = d:inject(fault.partition { region = "us-east", peer = "us-west" })
    local cut_eu <close> = d:inject(fault.partition { region = "us-east", peer = "eu-west" })
    d:wait(d.params.lag)
    local dark <close> = d:inject(fault.blackhole { region = "us-east" })
    d:await_recovery { within = "40s" }
    dark:revert()
    cut_eu:revert()
    cut_west:revert()
    d:await_recovery { within = "40s" }
  end,
}
