-- A container has to be made anew, and its image is not there: pruned, renamed, or a registry that refuses.
--
-- A restart needs no image: the container has its files. Whoever makes it anew (compose, a deployment) needs one, and is refused. With one
-- of two applications gone the gateway carries on; with the gateway gone everything waits until somebody finds the image.
--
--   drill scenarios/container-image-gone.lua                                  one of two applications behind the gateway
--   drill scenarios/container-image-gone.lua --set service=gateway@rack-gw    the gateway itself
return drill {
  title      = "A container that cannot be made anew",
  why        = "The image is a dependency of every recovery, and nobody checks it until then.",
  usual      = "25s",
  topology   = "topologies/containers.yaml",
  load       = { rate = "200/s", writes = "30%", deadline = "1s", connections = "mixed" },
  measure    = { hold = "5s" },
  params     = { service = "orders@rack-app1", time = "12s" },
  objectives = { "rto <= 10s", "lost <= 0", "failed < 10%" },

  run = function(d)
    d:steady "5s"
    local gone <close> = d:inject(fault.image_gone { service = d.params.service })
    d:wait(d.params.time)
    gone:revert()
    d:await_recovery { within = "30s" }
  end,
}
