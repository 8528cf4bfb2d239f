-- What:  a user's journey: open the form, log in, see the own page
-- Needs: a site with a login form
-- Args:  SITE=http://127.0.0.1, and the secret CANARY_PASSWORD of a user made for this
-- Shows: the time of the whole journey; red with the step that failed, "2/3 log in"

local site = pharos.env("SITE", "http://127.0.0.1")
local password = pharos.secret("CANARY_PASSWORD")

metric_watchers = {
  pharos.MetricWatcher{
    name = "login", interval = "10s", unit = "s", thresholds = { warn = 1, crit = 3 },
    steps = { "form", "log in", "own page" },
    check = function(self)
      local page, token -- the page before has the cookies to go on with
      self:step("form", function()
        page = assert(pharos.http.get(site .. "/login"))
        token = page.body:match('name="token" value="([^"]+)"')
        if not token then return self:critical("no form", page.body:sub(1, 200)) end
      end)
      self:step("log in", function()
        page = assert(pharos.http.post(site .. "/login", {
          form = { user = "canary", password = password, token = token }, cookies = page.cookies,
        }))
        if not page.cookies.session then return self:critical("refused", "HTTP " .. page.status) end
      end)
      self:step("own page", function()
        local own = assert(pharos.http.get(site .. "/account", { cookies = page.cookies }))
        if not own.body:find("canary", 1, true) then return self:critical("not logged in", "HTTP " .. own.status) end
      end)
    end,
  },
}
