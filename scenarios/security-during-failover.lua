-- Whether the doors stay locked when traffic moves to another region.
--
-- us-east goes dark and its users are sent to us-west. All the while, before, during and after, five things are asked from outside, where DNS
-- sends users just then: is a request in clear sent to TLS, is one without a key refused, does the rate limit still say 429, is the API's
-- own port closed to the world, and does the audit log hold a request that was just made? An answer that is not as it must be is a gap;
-- nobody to ask is none, but a check that was not answered by us-west while it served leaves the objective unmeasured.
--
-- A region that is never used is where settings drift apart. With drift=rate-limit (or tls, authentication, backend-port, audit-log) us-west
-- lacks one of the five. Users notice nothing, recovery is as quick: FAIL (security_gaps), found only because the traffic went there.
--
--   drill scenarios/security-during-failover.lua
--   drill scenarios/security-during-failover.lua --set drift=rate-limit
return drill {
  title      = "Locked doors while us-east is lost",
  why        = "In an outage everybody looks at whether it works, and nobody at who else is let in.",
  usual      = "55s",
  topology   = "topologies/secure.yaml",
  load       = { rate = "100/s", writes = "30%", deadline = "1s" },
  measure    = { hold = "10s" },
  objectives = { "security_gaps <= 0", "rto <= 20s", "lost <= 0" },

  run = function(d)
    d:steady "5s"
    local dark <close> = d:inject(fault.blackhole { region = "us-east" })
    d:await_recovery { within = "30s" }
    d:wait "5s" -- each question is asked some times in the other region
    dark:revert()
    d:await_recovery { within = "30s" }
  end,
}
