-- Lose some of a region's packets.
--
-- Five percent of all packets that cross us-east's border vanish, in both directions. TCP hides it from users at the price of time: what is
-- judged is the latency that they see, and that DNS does not leave a region that serves them.
--
--   drill scenarios/packet-loss.lua
--   drill scenarios/packet-loss.lua --set loss=20%
return drill {
  title      = "Lose 5 % of us-east's packets",
  why        = "Bad optics and full buffers lose packets long before anything is down.",
  usual      = "35s",
  topology   = "topologies/three-region.yaml",
  load       = { rate = "300/s", writes = "30%", deadline = "1s" },
  measure    = { hold = "10s", share = "90%" },
  params     = { loss = "5%", length = "10s" },
  objectives = { "failed < 10%", "lost <= 0", "p50 <= 100ms during recovery", "false_failovers <= 0" },

  run = function(d)
    d:steady "5s"
    local lossy <close> = d:inject(fault.loss { region = "us-east", probability = d.params.loss })
    d:wait(d.params.length)
    lossy:revert()
    d:await_recovery { within = "30s" }
  end,
}
