-- Restart every gateway, one after the other, under load: a new version, a new certificate, a kernel that wants a reboot.
--
-- A gateway is first taken out of DNS; clients with a cached answer get time to ask again; then it is stopped the way its topology says
-- (HAProxy's SIGUSR1: no new connections, answers that are due are given), is away for as long as a new version takes to install, and is
-- started again. It comes back into DNS, and only when all is well the next one follows.
-- Half of the requests open a connection of their own, as many users do: kept connections alone would not look at DNS.
--
--   drill scenarios/rolling-restart.lua
--   drill scenarios/rolling-restart.lua --set notice=0s     nobody tells DNS: its health checks are what is left
return drill {
  title      = "Restart all gateways, one after the other",
  why        = "What is done every week must not cost a single request; a fleet that cannot be restarted is not patched.",
  usual      = "75s",
  topology   = "topologies/rolling-restart.yaml",
  load       = { rate = "300/s", writes = "30%", deadline = "1s", connections = "mixed" },
  measure    = { hold = "2s" },
  params     = { notice = "4s", away = "2s" },
  objectives = { "failed <= 0", "rto <= 5s", "lost <= 0" },

  run = function(d)
    local function restart(gateway)
      local told = d.params.notice ~= "0s"
      local out <close> = told and d:inject(fault.change { control = "dns " .. gateway, set = "off" }) or nil
      if told then d:wait(d.params.notice) end
      local stopped <close> = d:inject(fault.stop_service { service = "haproxy@" .. gateway })
      d:wait(d.params.away)
      stopped:revert() -- starts it again
      if out then out:revert() end
      d:await_recovery { within = "20s" }
    end

    d:steady "5s"
    for _, region in ipairs { "us-east", "us-west", "eu-west" } do
      restart(region .. "-gw1")
      restart(region .. "-gw2")
    end
  end,
}
