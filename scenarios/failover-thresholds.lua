-- What a DNS failover's settings buy, and what they cost.
--
-- A region's gateways go dark. How long users wait is decided by four figures of the health check and of the answer: how often a gateway is
-- checked, how many failed checks it takes, how long a check waits, and how long resolvers keep what they were told. Shorter is faster, and
-- easier to fool: so afterwards, with nothing broken, the packets of the checks are lost at random, 1, 3 and 5 % of them, and every time
-- that DNS leaves the region is one too many. Each setting is a drill of its own; the sweep shows them side by side.
--
--   drill scenarios/failover-thresholds.lua                                   the whole grid, about eighteen minutes
--   drill scenarios/failover-thresholds.lua --set interval=2 --set threshold=3 --set ttl=2      one setting
--   drill scenarios/failover-thresholds.lua --sweep threshold=1,2,3,4 --set interval=2 --set ttl=2 --set watch=5m
--
-- Users are judged at the client, whose packets are not touched by the losses. The store is not touched either: its primary is in us-east,
-- and us-west's gateways reach it over the backbone.
return drill {
  title      = "Lose us-east's gateways, by the settings of DNS failover",
  why        = "Interval, threshold and TTL are chosen once and seldom measured; an outage is when they are paid for.",
  usual      = "90s",
  topology   = "topologies/failover-thresholds.yaml",
  load       = { rate = "100/s", writes = "20%", deadline = "1s", connections = "new" },
  measure    = { hold = "5s" },
  params     = { watch = "15s" }, -- under each of the three losses
  sweep      = { interval = { 2, 5 }, threshold = { 1, 3, 5 }, ttl = { 2, 10 } },
  objectives = { "rto <= 20s", "lost <= 0", "false_failovers <= 0" },

  run = function(d)
    d:steady "3s"
    do
      local dark <close> = d:inject(fault.blackhole { host = { "us-east-gw1", "us-east-gw2" } })
      d:await_recovery { within = "60s" }
    end
    d:await_recovery { within = "60s" }
    d:await_change { observer = "home", to = "10.1.0.11,10.1.0.12", within = "60s" } -- DNS believes in both again
    for _, share in ipairs { "1%", "3%", "5%" } do
      local lossy <close> = d:inject(fault.loss { host = "dns", protocol = "tcp", port = 8080, probability = share })
      d:wait(d.params.watch)
    end
    d:await_recovery { within = "30s" }
  end,
}
