-- What:  whether http leads to https, in one step and to the same host
-- Needs: the site
-- Args:  SITE=example.com
-- Shows: "https", red when it does not get there

local site = pharos.env("SITE", "example.com")

metric_watchers = {
  pharos.MetricWatcher{
    name = "to https", interval = "30s",
    check = function(self)
      local page = assert(pharos.http.get("http://" .. site .. "/", { redirects = 5 }))
      local path = {}
      for _, hop in ipairs(page.hops) do path[#path + 1] = hop.status .. " " .. hop.url end
      path[#path + 1] = page.status .. " " .. page.url
      local way = table.concat(path, "\n")
      if (page.url .. "/"):find("https://" .. site .. "/", 1, true) ~= 1 then return self:critical("no", way) end
      if #page.hops > 1 then return self:warning("detour", way) end
      return self:ok("https", way)
    end,
  },
}
