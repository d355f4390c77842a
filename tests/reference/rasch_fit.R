# Item fit of a partial credit model by eRm, with the estimates that it rests on: Rscript rasch_fit.R > rasch_fit.json
# eRm leaves persons without a finite estimate (all scores at one end) out of item fit.
suppressMessages({library(eRm); library(jsonlite)})
model <- PCM(pcmdat2)
persons <- person.parameter(model)
fit <- itemfit(persons)
answer <- list(
  source = paste("eRm", packageVersion("eRm"), "PCM(pcmdat2), person.parameter, itemfit;", R.version.string),
  scores = unname(as.matrix(pcmdat2)),
  thresholds = unname(thresholds(model)$threshtable[[1]][, -1]),
  theta = unname(persons$theta.table[, 1]),
  extreme = unname(persons$theta.table[, 3]),
  infit = unname(fit$i.infitMSQ), outfit = unname(fit$i.outfitMSQ),
  infit_z = unname(fit$i.infitZ), outfit_z = unname(fit$i.outfitZ)
)
cat(toJSON(answer, digits = 8, auto_unbox = TRUE))
