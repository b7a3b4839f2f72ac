# The catalogue (probes/*.probes) as a list of a man page.

/^[ \t]*#/ || NF == 0 { next }
/^provider / {
    finish()
    if (provider != "")
        print ".El"
    provider = $2
    print ".Ss " provider "\n.Bl -tag -width Ds"
    next
}
/^probe / {
    finish()
    name = type = $2
    conditions = ""
    for (i = 3; i <= NF; i++)
        conditions = conditions (i > 3 ? ", " : "") condition($i)
    next
}
/^names / {
    finish()
    next
}
name == "" { next }
$1 == "type" { type = $2 }
$1 == "group" { group = $2 }
$1 == "summary" {
    summary = $0
    sub(/^[ \t]*summary[ \t]*/, "", summary)
}
$1 == "arg" { fields = fields (fields == "" ? "" : ", ") $3 }
END {
    finish()
    print ".El"
}

function condition(word, parts) {
    split(word, parts, "=")
    return parts[1] == "args" ? parts[2] " arguments" : parts[1] == "size" ? "sizes " parts[2] : parts[1] " " parts[2]
}

function finish() {
    if (name == "")
        return
    print ".It Sy " type (type != name ? " Pq probe " name (conditions != "" ? ", " conditions : "") : conditions != "" ? " Pq " conditions : "")
    print summary
    print "Mode"
    print ".Cm " group " ."
    print "Fields: " fields "."
    name = fields = ""
}
