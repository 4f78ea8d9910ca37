-- Lose more than the topology promises to stand: two regions of three at once.
--
-- Three regions are there so that one may be lost. With two lost the third has gateways, backends and a replica that answer, and one of
-- three members of etcd: it may not elect a primary, since it cannot know whether the other two are dead or on the other side of a cut.
-- So this drill fails, and should: reads go on from the region that is left, writes do not, until one of the two returns. What it shows is
-- what users of such an outage have, that nothing is lost by it, and how long the way back takes once two regions can agree again.
--
--   drill scenarios/two-regions.lua        FAIL (rto), and the report says which promise was exceeded
return drill {
  title      = "Lose us-east and us-west",
  why        = "A promise has an end; people should have seen once what is behind it.",
  usual      = "60s",
  topology   = "topologies/three-region.yaml",
  load       = { rate = "300/s", writes = "30%", deadline = "1s" },
  measure    = { hold = "8s" },
  objectives = { "rto <= 20s", "lost <= 0", "rpo <= 0s" },

  run = function(d)
    d:steady "5s"
    local east <close> = d:inject(fault.blackhole { region = "us-east" })
    local west <close> = d:inject(fault.blackhole { region = "us-west" })
    d:wait "25s" -- there is nothing to wait for: nobody can be elected
    west:revert() -- two of three can agree again
    d:await_recovery { within = "30s" }
    east:revert()
    d:await_recovery { within = "30s" }
  end,
}
