# TAM's many-facet model on ratings that rasch.py drew: Rscript rasch_peer.R RATINGS.csv
#
# Prints one line of JSON: seconds and processor seconds of the fit with standard errors, peak memory, the severities.
# Columns of the file: student, trainer, criterion, score, counted from 0.

suppressMessages(library(TAM))
long <- read.csv(commandArgs(trailingOnly = TRUE)[1])
long$sheet <- long$student * 10000 + long$trainer
sheets <- unique(long[, c("sheet", "student", "trainer")])
sheets <- sheets[order(sheets$student, sheets$trainer), ]
resp <- matrix(NA_integer_, nrow(sheets), max(long$criterion) + 1)
resp[cbind(match(long$sheet, sheets$sheet), long$criterion + 1)] <- long$score
colnames(resp) <- sprintf("c%02d", seq_len(ncol(resp)))
facets <- data.frame(trainer = sprintf("t%03d", sheets$trainer))
start <- proc.time()
fit <- tam.mml.mfr(
  resp = as.data.frame(resp), facets = facets, formulaA = ~ item + trainer + step, pid = sheets$student,
  control = list(progress = FALSE), verbose = FALSE
)
spent <- proc.time() - start
found <- fit$xsi.facets
found <- found[found$facet == "trainer", ]
severity <- found$xsi[order(found$parameter)]
peak <- as.numeric(gsub("[^0-9]", "", grep("VmHWM", readLines("/proc/self/status"), value = TRUE))) / 1024
cat(sprintf(
  '{"seconds": %f, "cpu": %f, "mib": %f, "severity": [%s]}\n', spent[["elapsed"]],
  spent[["user.self"]] + spent[["sys.self"]], peak, paste(sprintf("%.6f", severity), collapse = ",")
))
