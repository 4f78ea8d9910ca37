-- Four ways in which a region's functions stop being good, and what a change of regions costs where nothing of it is yours but the code.
--
-- An order is one row of a table, one object and one row of a relational store, and is acknowledged when its region has all three. The
-- provider copies each of them to the other region in its own way and time. DNS asks a route of the API whether a region is well, and sends
-- everybody to the other one when it is not. When users are served again each store of both regions is asked for the writes that it has, and
-- once more at the end: what came late is told from what never came.
--
--   drill scenarios/serverless.lua                          the function's concurrency in us-east is throttled to zero
--   drill scenarios/serverless.lua --set trouble=failing    us-east's function is configured to use a table that is not there
--   drill scenarios/serverless.lua --set trouble=outage     us-east goes dark, with what was not copied yet
--   drill scenarios/serverless.lua --set trouble=cold       nothing fails: users are sent to us-west, where instances have to start first
--
-- What DNS asks decides whether it notices. With health=gateway the gateway itself answers, which is well whatever its functions do:
--
--   drill scenarios/serverless.lua --set trouble=failing --set health=gateway
return drill {
  title      = "Trouble with the functions of us-east",
  why        = "A region of a serverless API fails without any machine failing, and its data follows by as many ways as it has stores.",
  usual      = "65s",
  topology   = "topologies/serverless.yaml",
  load       = { rate = "20/s", writes = "50%", deadline = "3s", connections = "new" },
  measure    = { hold = "5s" },
  params     = { trouble = "throttled" }, -- or failing, outage, cold
  objectives = { "rto <= 20s" },
  cases      = {
    trouble = {
      cold      = { "failed <= 0", "lost <= 0", "max <= 300ms" },
      throttled = { "lost <= 0" },
      failing   = { "lost <= 0" },
      outage    = { "rpo <= 1s" }, -- what tables and the relational store may be behind; objects are further
    },
  },

  run = function(d)
    local troubles = {
      cold      = function() return d:inject(fault.change { control = "routing us-east", set = "off" }) end,
      throttled = function() return d:inject(fault.change { control = "concurrency us-east", set = "0" }) end,
      failing   = function() return d:inject(fault.change { control = "table us-east", set = "ordres" }) end,
      outage    = function() return d:inject(fault.blackhole { region = "us-east" }) end,
    }
    local begin = troubles[d.params.trouble] or error("trouble: expected throttled, failing, outage or cold")
    d:steady "15s"
    local trouble <close> = begin()
    d:await_recovery { within = "40s" }
    d:read_stores "served again"
    trouble:revert()
    d:await_recovery { within = "30s" }
    d:wait "10s" -- two rounds of the slowest copier
    d:read_stores "all is well again"
  end,
}
