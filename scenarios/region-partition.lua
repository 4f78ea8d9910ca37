-- Cut the replication path between two regions, users untouched.
--
-- us-east and us-west no longer reach each other over the backbone; both still serve their users and both still reach eu-west, so the
-- quorum stands and nobody should notice anything.
--
--   drill scenarios/region-partition.lua
--   drill scenarios/region-partition.lua --set direction=out     one way only: us-east is not heard, but hears
return drill {
  title      = "Partition us-east from us-west",
  why        = "A cut between two regions must neither stop the service nor cost a write.",
  usual      = "30s",
  topology   = "topologies/three-region.yaml",
  load       = { rate = "300/s", writes = "30%", deadline = "1s" },
  measure    = { hold = "10s" },
  params     = { direction = "both", length = "10s" },
  objectives = { "rto <= 5s", "lost <= 0", "failed < 1%" },

  run = function(d)
    d:steady "5s"
    local cut <close> = d:inject(fault.partition { region = "us-east", peer = "us-west", direction = d.params.direction })
    d:wait(d.params.length)
    d:await_recovery { within = "30s" }
    cut:revert()
    d:await_recovery { within = "30s" }
  end,
}
