# The line of ft-judge --agree to sentences.
def r: . * 1e4 | round / 1e4;
def figure: if . == null then "unknown" elif .lo == null then "\(.value | r)" else "\(.value | r) (\(.lo | r) to \(.hi | r))" end;
"agreement \(.agreement | figure), TPR \(.tpr | figure), TNR \(.tnr | figure) on \(.n) rows",
(.corrected // empty | "of \(.n) rows that nobody judged people would pass \(.rogan_gladen | figure); the judge passes \(.raw | figure)")
