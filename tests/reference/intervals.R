# Percentile, BCa and studentised intervals of package boot on the data "city" (ratio of populations), from draws kept
# here so that the same draws can be given to other programs; empirical influence values by boot's empinf.
# Rscript tests/reference/intervals.R > tests/reference/intervals.json
suppressMessages({library(boot); library(jsonlite)})
ratio <- function(d, w) {
  w <- w / sum(w)
  t <- sum(w * d$x) / sum(w * d$u)
  l <- (d$x - t * d$u) / sum(w * d$u)
  c(t, sum(w * l^2) / nrow(d))
}
set.seed(20240601)
b <- boot(city, function(d, w) ratio(d, w), R = 499, stype = "w")
l <- empinf(b, index = 1, type = "reg", stype = "w")
li <- empinf(data = city, statistic = function(d, w) ratio(d, w)[1], stype = "w", type = "inf")
ci <- boot.ci(b, conf = .95, type = c("perc", "stud", "bca"), L = li)
cat(toJSON(list(
  made_by = paste(R.version.string, "boot", packageVersion("boot")),
  value = b$t0[1], variance = b$t0[2], draws = b$t[, 1], draws_variance = b$t[, 2], influence = li,
  percentile = ci$percent[4:5], student = ci$student[4:5], bca = ci$bca[4:5],
  bca_probability = ci$bca[2:3] / 500, student_position = ci$student[2:3]
), digits = NA, auto_unbox = TRUE), "\n")
