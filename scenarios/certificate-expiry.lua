-- Let the certificate of a region's gateways go bad.
--
-- The gateways of us-east show a leaf that clients must refuse: one that has expired, one of another name, or one that is not valid yet. The
-- network is fine, the processes run, the backends answer. The gateways reload it as they would after a renewal that went wrong. Later the
-- good one comes back.
--
-- DNS asks the gateways for their health over HTTP, as health checks in front of TLS mostly do. That check stays green, so nobody is sent
-- elsewhere: FAIL, every request of every user fails for as long as it lasts, with a healthy region beside it. With check=verified the health check
-- looks at the certificate as users do, and they are in another region some seconds later.
--
--   drill scenarios/certificate-expiry.lua                          fails: the health check does not see what users see
--   drill scenarios/certificate-expiry.lua --set check=verified     a health check that verifies
--   drill scenarios/certificate-expiry.lua --set defect=wrong-name --set check=verified
return drill {
  title      = "Let a certificate of us-east expire",
  why        = "Certificates end on a day that is known for months, and every year that day surprises somebody.",
  usual      = "60s",
  topology   = "topologies/secure.yaml",
  load       = { rate = "100/s", writes = "30%", deadline = "1s" },
  measure    = { hold = "10s" },
  params     = { defect = "expired" }, -- or wrong-name, not-yet-valid
  objectives = { "rto <= 15s", "lost <= 0", "failed < 30%" },

  run = function(d)
    d:steady "5s"
    local bad <close> = d:inject(fault.certificate { service = "haproxy", region = "us-east", with = d.params.defect .. ".pem" })
    d:await_recovery { within = "15s" }
    bad:revert()
    d:await_recovery { within = "20s" }
  end,
}
