-- The tests of discovery.lua: run them with `pharosd test`.

-- A world with that registry, whose hosts all answer in 0.1 s.
local function world(registry)
  return function(request)
    if request.url:find("/hosts", 1, true) then return registry() end
    return { status = 200, total = 0.1 }
  end
end

test.case("each host has a page and an ssh", function(t)
  t:load("discovery.lua")
  t:stub("http", world(function() return { status = 200, body = '[{"name": "web-1", "address": "10.0.0.1"}]' } end))
  t:stub("tcp", function() return { greeting = "SSH-2.0-OpenSSH_9.6" } end)
  t:equal(t:discover(), nil)
  t:equal(t:run("fleet.web-1").status, "ok")
  t:equal(t:run("fleet.web-1_ssh").status, "ok")
end)

test.case("the hosts stay when the registry is down", function(t)
  t:load("discovery.lua")
  t:stub("http", world(function() return { status = 200, body = '[{"name": "web-1", "address": "10.0.0.1"}]' } end))
  t:equal(t:discover(), nil)
  t:stub("http", world(function() return { status = 503 } end))
  t:match(t:discover(), "answers 503; the last 2 members stay")
  t:equal(t:run("fleet.web-1").status, "ok")
end)
