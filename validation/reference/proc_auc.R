# Writes proc_auc.json: AUC, DeLong variance and intervals of pROC on its own aSAH data
# (Turck et al. 2010, Intensive Care Med 36:107-115; pROC: Robin et al. 2011, BMC
# Bioinformatics 12:77). Run: Rscript proc_auc.R > proc_auc.json
suppressMessages(library(pROC))
data(aSAH)

plain <- function(values) paste0("[", paste(format(values, digits = 17, trim = TRUE), collapse = ", "), "]")

marker <- function(name) {
  curve <- roc(aSAH$outcome, aSAH[[name]], levels = c("Good", "Poor"), direction = "<", quiet = TRUE)
  interval <- ci.auc(curve, method = "delong", conf.level = 0.95)
  narrow <- ci.auc(curve, method = "delong", conf.level = 0.90)
  sprintf(
    '    "%s": {\n      "scores": %s,\n      "auc": %.17g,\n      "delong_variance": %.17g,\n      "delong_95": [%.17g, %.17g],\n      "delong_90": [%.17g, %.17g]\n    }',
    name, plain(as.numeric(aSAH[[name]])), as.numeric(auc(curve)), var(curve, method = "delong"),
    interval[1], interval[3], narrow[1], narrow[3]
  )
}

cat("{\n")
cat(sprintf('  "source": "pROC %s, data aSAH (Turck et al. 2010), R %s.%s",\n',
  packageVersion("pROC"), R.version$major, R.version$minor))
cat('  "made_by": "proc_auc.R",\n')
cat(sprintf('  "poor_outcome": [%s],\n', paste(as.integer(aSAH$outcome == "Poor"), collapse = ", ")))
cat('  "markers": {\n')
cat(paste(sapply(c("s100b", "ndka", "wfns"), marker), collapse = ",\n"))
cat("\n  }\n}\n")
