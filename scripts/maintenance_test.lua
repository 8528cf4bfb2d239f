-- The tests of maintenance.lua: run them with `pharosd test`.

test.case("while the file is there, the sites are in its shadow", function(t)
  t:load("maintenance.lua", { env = { SITES = "web:80" } })
  t:stub("tcp", function() return nil, { kind = "refused" } end)
  t:stub("file", function(request)
    t:equal(request, { op = "read", path = "/run/maintenance" })
    return { content = "new disks until 14:00" }
  end)
  local window = t:run("maintenance")
  t:equal({ window.status, window.value, window.detail }, { "unknown", "on", "new disks until 14:00" })
  t:status("maintenance", "unknown")
  t:equal(t:run("sites.web80").shadow, "maintenance")
end)

test.case("without it they are problems of their own", function(t)
  t:load("maintenance.lua", { env = { SITES = "web:80" } })
  t:stub("tcp", function() return nil, { kind = "refused" } end)
  t:stub("file", function() return nil, { kind = "missing" } end)
  t:equal(t:run("maintenance").status, "ok")
  t:status("maintenance", "ok")
  local site = t:run("sites.web80")
  t:equal({ site.status, site.shadow }, { "critical" })
end)
