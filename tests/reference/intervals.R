# Percentile and BCa intervals of package boot on the data "city" (ratio of populations), from draws kept
# here so that the same draws can be given to other programs; empirical influence values by boot's empinf.
# Rscript tests/reference/intervals.R > tests/reference/intervals.json
suppressMessages({library(boot); library(jsonlite)})
ratio <- function(d, w) sum(w * d$x) / sum(w * d$u)
set.seed(20240601)
b <- boot(city, ratio, R = 499, stype = "w")
li <- empinf(data = city, statistic = function(d, w) ratio(d, w), stype = "w", type = "inf")
ci <- boot.ci(b, conf = .95, type = c("perc", "bca"), L = li)
cat(toJSON(list(
  made_by = paste(R.version.string, "boot", packageVersion("boot")),
  value = b$t0, draws = b$t[, 1], influence = li, percentile = ci$percent[4:5], bca = ci$bca[4:5],
  bca_probability = ci$bca[2:3] / 500
), digits = NA, auto_unbox = TRUE), "\n")
