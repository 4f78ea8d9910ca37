-- Lose a whole region under load.
--
-- us-east holds the store's primary and is where DNS sends everybody. It goes dark at once, as after a power cut: every packet that would
-- enter or leave it is dropped, established connections included. DNS health checks must notice and answer with another region, the
-- failover manager must promote a replica there. Then the region returns, and neither service nor data may suffer from that either.
--
-- It returns at the moment that hurts most: just when the isolated failover manager has read its view of the cluster, in which it still is
-- the leader. With dcs=etcd3 it then takes the leader key back without looking whether it is still its own, and everything written since
-- the promotion is gone: FAIL, found by the second read-back, each id named.
--
--   drill scenarios/region-outage.lua
--   drill scenarios/region-outage.lua --set dcs=etcd3     a failover manager that loses writes when the region returns
return drill {
  title      = "Lose us-east",
  why        = "A power cut or a fibre cut takes a whole region at once.",
  usual      = "55s",
  topology   = "topologies/three-region.yaml",
  load       = { rate = "300/s", writes = "30%", deadline = "1s" },
  measure    = { hold = "10s" },
  objectives = { "rto <= 20s", "lost <= 0", "rpo <= 0s", "failed < 30%" },

  run = function(d)
    d:steady "5s" -- healthy before we break it, or stop here
    local dark <close> = d:inject(fault.blackhole { region = "us-east" })
    d:await_recovery { within = "30s" }
    d:await_change { observer = "view us-east-db", within = "10s" } -- a stale view is as fresh as it gets
    dark:revert() -- the region returns: failback is a disruption of its own
    d:await_recovery { within = "30s" }
  end,
}
