# The table of `h2olog --help=table` as a list of a man page (form=mdoc) or as a shell's completions (form=bash, zsh, fish).

BEGIN {
    FS = "\t"
    # What stands behind an option: words, or what a function below prints. Others take what cannot be known.
    values["type"] = "$types"
    values["pid"] = "$pids"
    values["format"] = "line json"
    values["group"] = "request"
    values["log-format"] = "common combined json"
    values["emit-script"] = "standalone wire"
    values["color"] = "auto always never"
    values["time"] = "none clock iso elapsed delta"
    split("write record replay exe script bpftrace probes templates", names, " ")
    for (i in names)
        values[names[i]] = "$files"
    types = "h2olog --list 2>/dev/null | sed 's/^[^:]*:\\([^ ]*\\).*/\\1/' | sort -u"
    pids = "pgrep -x h2o"
    modes = "http quic all"
    begin()
}

{
    letter = $1 == "-" ? "" : $1
    name = $2
    is_optional = $3 ~ /^\[/
    argument = $3 == "-" ? "" : $3
    gsub(/^\[|\]$/, "", argument)
    if (form == "mdoc")
        mdoc($4)
    else
        complete($4)
}

END { finish() }

# The first sentence, without what a shell would read.
function short(help) {
    sub(/[.;:] .*/, "", help)
    sub(/\.$/, "", help)
    gsub(/[\[\]'"`$\\]/, "", help)
    return help
}

function begin() {
    if (form == "bash") {
        print "# Completions of h2olog for bash; made from src/command/options.def.\n"
        print "_h2olog() {"
        print "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} words= before="
        print "    [[ $cur == = ]] && cur= && prev=$prev="
        print "    [[ $prev == = ]] && prev=${COMP_WORDS[COMP_CWORD - 2]}="
        print "    case $prev in"
    } else if (form == "zsh") {
        print "#compdef h2olog\n# Completions of h2olog for zsh; made from src/command/options.def.\n"
        print "_h2olog_types() { local -a words; words=(${(f)\"$(" types ")\"}); _values -s , type $words }"
        print "_h2olog_pids() { local -a words; words=(${(f)\"$(" pids ")\"}); _values -s , pid $words }\n"
        print "_arguments -s \\\n    '1::mode:(" modes ")' \\"
    } else if (form == "fish") {
        print "# Completions of h2olog for fish; made from src/command/options.def.\n"
        print "complete -c h2olog -f -a '" modes "'"
    }
}

function finish() {
    if (form == "bash") {
        print "    *) words='" modes all "' ;;"
        print "    esac"
        print "    [[ $words == *' --'* || $cur != *,* ]] || before=${cur%,*},"
        print "    COMPREPLY=($(compgen -P \"$before\" -W \"$words\" -- \"${cur##*,}\"))"
        print "}"
        print "complete -F _h2olog h2olog"
    } else if (form == "zsh")
        print "    && return 0"
}

function complete(help, value) {
    value = values[name]
    if (form == "bash")
        bash(value)
    else if (form == "zsh")
        zsh(value, short(help))
    else
        fish(value, short(help))
}

function bash(value, action) {
    all = all " --" name (letter != "" ? " -" letter : "")
    if (argument == "" || is_optional && value == "")
        return
    action = value == "$files" ? "COMPREPLY=($(compgen -f -- \"$cur\")); return" : \
        value == "$types" ? "words=$(" types ")" : value == "$pids" ? "words=$(" pids ")" : "words='" value "'"
    if (is_optional) # a word without an equals sign before it is the next option
        print "    --" name "=) " action " ;;"
    else
        print "    --" name " | --" name "=" (letter != "" ? " | -" letter : "") ") " action " ;;"
}

function zsh(value, help, action) {
    gsub(/:/, "\\:", help)
    action = value == "$files" ? "_files" : value == "$types" ? "_h2olog_types" : value == "$pids" ? "_h2olog_pids" : \
        value != "" ? "(" value ")" : " "
    action = argument == "" ? "" : (is_optional ? "::" : ":") tolower(name) ":" action
    if (letter != "")
        print "    '*-" letter (argument != "" ? "+" : "") "[" help "]" action "' \\"
    print "    '*--" name (argument != "" ? (is_optional ? "=-" : "=") : "") "[" help "]" action "' \\"
}

function fish(value, help) {
    line = "complete -c h2olog -l " name (letter != "" ? " -s " letter : "")
    if (argument != "" && !is_optional)
        line = line (value == "$files" ? " -r -F" : " -x")
    if (value == "$types" || value == "$pids")
        line = line " -a '(" fish_quote(value == "$types" ? types : pids) ")'"
    else if (value != "" && value != "$files")
        line = line " -a '" value "'"
    print line " -d '" help "'"
}

function fish_quote(command) {
    gsub(/\\/, "\\\\", command)
    gsub(/'/, "\\'", command)
    return command
}

# A sentence a line.
function mdoc(help, n, i, list) {
    line = ".It" (letter != "" ? " Fl " letter " ," : "") " Fl -" name
    if (argument != "")
        line = line (is_optional ? " Ns Op = Ns Ar " : " Ar ") argument
    print line
    n = split(help, list, " ")
    line = ""
    for (i = 1; i <= n; i++) {
        line = line (line == "" ? "" : " ") list[i]
        if (list[i] ~ /\.$/ || i == n) {
            gsub(/\\/, "\\e", line)
            print (line ~ /^[.']/ ? "\\&" : "") line
            line = ""
        }
    }
}
