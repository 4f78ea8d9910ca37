-- Cut the backbone of the primary's region for a while, and see how long the store takes to find itself again.
--
-- Every packet between us-east and the other regions is dropped silently: nobody is told, connections stand still. When the cut ends, TCP
-- tries again only when its back-off says so, and that doubles with every try. With reset=true the connections that stood still are
-- destroyed when the cut ends, so that their programs connect again at once. The difference is not the network's fault: it is recovery.
--
-- With replication=async the cut-off primary acknowledges writes until its lease ends, and they are gone: only time is judged here.
--
--   drill scenarios/stuck-connections.lua                      wait for TCP's next try
--   drill scenarios/stuck-connections.lua --set reset=true     revert and reset
return drill {
  title      = "Partition us-east from the rest, then heal",
  why        = "A healed network is not a recovered service: connections that stood still come back late.",
  usual      = "35s",
  topology   = "topologies/three-region.yaml",
  load       = { rate = "300/s", writes = "30%", deadline = "1s" },
  measure    = { hold = "10s" },
  params     = { reset = "false", length = "12s" },
  objectives = { "rto <= 30s" },

  run = function(d)
    d:steady "5s"
    local cut <close> = d:inject(fault.partition { region = "us-east", peer = "rest", reset = d.params.reset })
    d:wait(d.params.length)
    cut:revert()
    d:await_recovery { within = "60s" }
  end,
}
