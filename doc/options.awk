# The table of `h2olog --help=table` as a list of a man page (form=mdoc) or as a shell's completions (form=bash, zsh, fish).

BEGIN {
    FS = "\t"
    # What stands behind an option: words, or what a function below prints. Others take what cannot be known.
    values["type"] = "$types"
    values["include"] = values["exclude"] = "$tags"
    values["pid"] = "$pids"
    values["user"] = "$users"
    values["group"] = "request"
    values["log-format"] = "common combined json"
    split("write record replay exe script bpftrace probes templates", names, " ")
    for (i in names)
        values[names[i]] = "$files"
    types = "h2olog --list 2>/dev/null | sed 's/^[^:]*:\\([^ ]*\\).*/\\1/' | sort -u"
    full_types = "h2olog --list 2>/dev/null | sed 's/ .*//' | sort -u"
    tags = "h2olog --list -f json 2>/dev/null | sed 's/.*\"tag\": \"\\([^\"]*\\)\".*/\\1/' | sort -u"
    pids = "pgrep -x h2o"
    users = "getent passwd | cut -d: -f1"
    modes = "http quic all stat top hist keylog"
    begin()
}

{
    letter = $1 == "-" ? "" : $1
    name = $2
    is_optional = $3 ~ /^\[=/
    argument = $3 == "-" ? "" : is_optional ? substr($3, 3, length($3) - 3) : $3
    if (argument ~ /\|/) {
        values[name] = argument
        gsub(/\|/, " ", values[name])
    }
    if (form == "mdoc")
        mdoc($4)
    else
        complete($4)
}

END { finish() }

# The command that prints what a value stands for; "": it is words, or files.
function command_of(value) {
    return value == "$types" ? types : value == "$tags" ? tags : value == "$pids" ? pids : value == "$users" ? users : ""
}

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
        print "    local cur=${COMP_WORDS[COMP_CWORD]} at=$((COMP_CWORD - 1)) prev words= before="
        print "    # A colon is a word of its own, so provider:name is three; `at` is where the option stands before them."
        print "    if [[ $cur == : ]]; then"
        print "        cur=${COMP_WORDS[at]}: at=$((at - 1))"
        print "    elif [[ ${COMP_WORDS[at]} == : ]]; then"
        print "        cur=${COMP_WORDS[at - 1]}:$cur at=$((at - 2))"
        print "    fi"
        print "    prev=${COMP_WORDS[at]}"
        print "    [[ $cur == = ]] && cur= && prev=$prev="
        print "    [[ $prev == = ]] && prev=${COMP_WORDS[at - 1]}="
        print "    case $prev in"
    } else if (form == "zsh") {
        print "#compdef h2olog\n# Completions of h2olog for zsh; made from src/command/options.def.\n"
        print "_h2olog_types() { local -a words; words=(${(f)\"$(" types ")\"}); _values -s , type $words }"
        print "_h2olog_tags() { local -a words; words=(${(f)\"$(" tags ")\"}); _values -s , tag $words }"
        print "_h2olog_users() { _users }"
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
        print "    [[ $cur != *:* ]] || COMPREPLY=(\"${COMPREPLY[@]#\"${cur%:*}:\"}\")"
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
    action = value == "$files" ? "COMPREPLY=($(compgen -f -- \"$cur\")); return" : command_of(value) != "" ? "words=$(" command_of(value) ")" : \
        "words='" value "'"
    if (value == "$types")
        action = "if [[ $cur == *:* ]]; then words=$(" full_types "); else " action "; fi"
    if (is_optional) # a word without an equals sign before it is the next option
        print "    --" name "=) " action " ;;"
    else
        print "    --" name " | --" name "=" (letter != "" ? " | -" letter : "") ") " action " ;;"
}

function zsh(value, help, action) {
    gsub(/:/, "\\:", help)
    action = value == "$files" ? "_files" : value ~ /^\$/ ? "_h2olog_" substr(value, 2) : \
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
    if (command_of(value) != "")
        line = line " -a '(" fish_quote(command_of(value)) ")'"
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
