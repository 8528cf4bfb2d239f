-- What:  monitoring plugins as they are, here and on another host
-- Needs: the plugins (Debian: monitoring-plugins-basic)
-- Args:  PLUGINS=/usr/lib/nagios/plugins HOST=web-1, where the second one runs
-- Shows: the plugin's verdict, the first of its performance data, its first line

local plugins = pharos.env("PLUGINS", "/usr/lib/nagios/plugins")

metric_watchers = {
  pharos.NagiosMetricWatcher{
    name = "load", interval = "10s", command = plugins .. "/check_load -r -w 2,2,2 -c 8,8,8",
  },
  pharos.NagiosMetricWatcher{
    name = "disk on another host", interval = "1m", ssh_host = pharos.env("HOST", "web-1"),
    command = { plugins .. "/check_disk", "-w", "10%", "-c", "5%", "-p", "/" },
  },
}
