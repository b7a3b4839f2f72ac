# What live-events.sh expects, worked out from the catalogue alone: no word of h2olog's own output goes in.
#
#   awk -v mode=MODE -f expect.awk [FILE.def] [FILE.probes]... [FILE]
#
# FILE.def is the test server's list of an era's probes (server/probes-ERA.def), FILE.probes the catalogue.
#
#   fire       prints lines of the test server's script that fire every probe with known arguments, extremes included
#   expect     reads such a script (FILE), prints the JSON lines of its `fire` commands
#              app=1: with application data; secrets=1: and TLS key material; names=1: with names; extra=1: with provider,
#              pid and tid (of which pid=N and tid=N are printed), seq and nsecs
#   secrets    prints the probes that have key material, provider:name
#   normalise  reads h2olog's JSON (FILE), prints it with NOW for a time from from=MS to to=MS, NSECS for nsecs, and LONG for a text
#              of many z that was cut as the documentation says
#   check      reads JSON lines (FILE), complains of what is not an object of strings, numbers, true, false and null on a line
#
# Bytes are strings of hexadecimal digits in here, and 64-bit integers 16 of them, as numbers of awk are not exact.

BEGIN {
    for (i = 0; i < 256; i++) {
        pair = sprintf("%02x", i)
        code_of[pair] = i
        if (i > 0) {
            character = sprintf("%c", i)
            byte_of[pair] = character
            hex_of[character] = pair
        }
    }
    for (i = 0; i < 16; i++)
        digit_of[substr("0123456789abcdef", i + 1, 1)] = i
    all_bytes = ""
    for (i = 1; i < 256; i++)
        all_bytes = all_bytes sprintf("%02x", i)
    probes = complaints = seq = 0
}

# ------------------------------------------------------------------------------------------------------------- integers

function hex_value(digits,    i, value) {
    value = 0
    for (i = 1; i <= length(digits); i++)
        value = value * 16 + digit_of[substr(digits, i, 1)]
    return value
}

# limb[] holds 16 bits each, the lowest first.
function from_limbs() {
    return sprintf("%04x%04x%04x%04x", limb[3], limb[2], limb[1], limb[0])
}

function to_limbs(word,    i) {
    for (i = 0; i < 4; i++)
        limb[i] = hex_value(substr(word, 13 - 4 * i, 4))
}

function negated(word,    i, carry) {
    to_limbs(word)
    carry = 1
    for (i = 0; i < 4; i++) {
        limb[i] = 65535 - limb[i] + carry
        carry = limb[i] > 65535 ? 1 : 0
        limb[i] -= carry * 65536
    }
    return from_limbs()
}

# "12", "-1" or "0xff"
function word_of(text,    i, j, carry) {
    if (text in words)
        return words[text]
    if (substr(text, 1, 1) == "-")
        return words[text] = negated(word_of(substr(text, 2)))
    if (substr(text, 1, 2) == "0x")
        return words[text] = substr("0000000000000000" tolower(substr(text, 3)), length(text) - 1)
    for (j = 0; j < 4; j++)
        limb[j] = 0
    for (i = 1; i <= length(text); i++) {
        carry = substr(text, i, 1) + 0
        for (j = 0; j < 4; j++) {
            limb[j] = limb[j] * 10 + carry
            carry = int(limb[j] / 65536)
            limb[j] -= carry * 65536
        }
    }
    return words[text] = from_limbs()
}

# The lower bits, extended to 64.
function cut(word, bits, is_signed,    low, fill) {
    low = substr(word, 17 - bits / 4)
    fill = is_signed && digit_of[substr(low, 1, 1)] >= 8 ? "ffffffffffffffff" : "0000000000000000"
    return substr(fill, 1, 16 - bits / 4) low
}

function decimal(word, is_signed,    digits, i, rest, any) {
    if (is_signed && digit_of[substr(word, 1, 1)] >= 8)
        return "-" decimal(negated(word), 0)
    to_limbs(word)
    digits = ""
    do {
        rest = any = 0
        for (i = 3; i >= 0; i--) {
            rest = rest * 65536 + limb[i]
            limb[i] = int(rest / 10)
            rest -= limb[i] * 10
            any += limb[i]
        }
        digits = rest digits
    } while (any > 0)
    return digits
}

function bits_of(type) {
    return type == "ms" || type == "ptr" ? 64 : type == "http_version" ? 32 : substr(type, 2) + 0
}

function is_signed(type) {
    return type == "ms" || type ~ /^i[0-9]/
}

# ---------------------------------------------------------------------------------------------------------------- files

function fail(message) {
    print FILENAME ":" FNR ": " message >"/dev/stderr"
    failed = 1
    exit 1
}

FILENAME ~ /\.def$/ {
    if ($0 !~ /^PROBE3?\(/)
        next
    three = $0 ~ /^PROBE3/
    gsub(/^PROBE3?\(|\)$|,/, "")
    key = $1 ":" $2
    probe[probes++] = key
    has_three_sites[key] = three
    nargs[key] = $3 + 0
    for (i = 0; i < $3; i++)
        type_of_arg[key, i] = $(4 + i)
    next
}

function holds(condition,    part, number) {
    split(condition, part, /[=:\/]/)
    if (part[1] == "args")
        return nargs[key] == part[2]
    if (part[1] == "size")
        return bits_of(type_of_arg[key, part[2]]) == part[3] * 8
    number = (provider ":" part[2]) in nargs ? nargs[provider ":" part[2]] : -1
    if (part[1] == "without")
        return number < 0
    if (part[1] != "with")
        fail("unknown condition " condition)
    return number >= 0 && (part[3] == "" || number == part[3])
}

FILENAME ~ /\.probes$/ {
    if (FNR == 1)
        is_open = 0
    for (i = 1; i <= NF; i++)
        if ($i ~ /^#/)
            NF = i - 1
    if (NF == 0)
        next
    if ($1 == "provider" || $1 == "names" || $1 == "probe")
        is_open = in_table = 0
    if ($1 == "provider") {
        provider = $2
    } else if ($1 == "names") {
        in_table = 1
        table = $2
    } else if (in_table) {
        text = $2
        for (i = 3; i <= NF; i++)
            text = text " " $i
        label[table, word_of($1)] = text
    } else if ($1 == "probe") {
        key = provider ":" $2
        is_open = (key in nargs) && !(key in event)
        for (i = 3; i <= NF && is_open; i++)
            is_open = holds($i)
        if (is_open)
            event[key] = $2
    } else if (is_open && $1 == "type") {
        event[key] = $2
    } else if (is_open && $1 == "arg") {
        add_field($2 + 0, $3, $4)
        for (i = 5; i <= NF; i++)
            add_attribute($i)
    }
    next
}

function add_field(arg, name, type) {
    field = key SUBSEP fields[key]++
    arg_of[field] = arg
    name_of[field] = name
    type_of[field] = type
    if (!((key, arg) in first_field))
        first_field[key, arg] = field
}

function add_attribute(attribute,    part) {
    split(attribute, part, "=")
    if (part[1] == "len") {
        len_of[field] = part[2]
        is_length[key, part[2]] = arg_of[field]
    } else if (part[1] == "at") {
        at_of[field] = part[2]
    } else if (part[1] == "known-by") {
        known_by[field] = part[2]
    } else if (part[1] == "names") {
        table_of[field] = part[2]
    } else {
        has[field, attribute] = 1
        if (attribute == "secret")
            has_secret[key] = 1
    }
}

# --------------------------------------------------------------------------------------- a script that fires every probe

function add(list, expression) {
    value[list, count[list]++] = expression
}

# LENGTH characters in which every place looks different
function digits(len,    text) {
    while (length(counters) < len)
        counters = counters sprintf("%05d", counted++)
    return substr(counters, 1, len)
}

function add_texts(list, lengths,    part, n, i) {
    n = split(lengths, part, " ")
    for (i = 1; i <= n; i++)
        add(list, "\"" digits(part[i]) "\"")
}

function make_lists(    i, text) {
    # What an integer is cut to depends on its size.
    for (i = split("0 -1 1 127 128 65535 65536 2147483647 2147483648 4294967295 4294967296 9007199254740993 " \
                   "9223372036854775807 9223372036854775808 18446744073709551615", part, " "); i > 0; i--)
        add("number", part[i])
    for (i = split("1580154303457 0 9223372036854775807 -1 1 9007199254740993", part, " "); i > 0; i--)
        add("time", part[i])
    for (i = split("1,0,0 0,0,0 4294967295,16777215,255 2147483648,1,2 2147483647,0,1", part, " "); i > 0; i--)
        add("conn", "conn(" part[i] ")")
    for (i = split("0 -1 -4 3 4611686018427387903 9223372036854775807 -9223372036854775808", part, " "); i > 0; i--)
        add("stream", "stream(" part[i] ")")
    for (i = split("1,2,3,4 0,0,0,0 4294967295,4294967294,2147483648,2147483647", part, " "); i > 0; i--)
        add("rtt", "rtt(" part[i] ")")
    for (i = split("0,0 1,1580154303457 -1,-1 2147483648,9223372036854775808", part, " "); i > 0; i--)
        add("token", "token(" part[i] ")")
    add("token", "null")
    for (i = split("1,2,3,4,512 -1,9223372036854775808,0,4294967296,32", part, " "); i > 0; i--)
        add("stats", "stats(" part[i] ")")
    for (i = split("127.0.0.1:443 [::1]:443 unix 0.0.0.0:0 255.254.253.252:65535 [2001:db8::ff00:42:8329]:65535 [::]:0 " \
                   "[::ffff:192.0.2.1]:80 [1:2:3:4:5:6:7:8]:256", part, " "); i > 0; i--)
        add("sockaddr", "sockaddr(" part[i] ")")
    add("sockaddr", "null")

    add_texts("cstr", "0 1 63 64 103 104 105 200 207 208 209 1000")
    add("cstr", "fill(5000,'z')")
    add("cstr", "edge(\"edge\\x00\")")
    add("cstr", "edge(\"" digits(311) "\\x00\")")
    add("cstr", "\"" digits(103) "\\xc3\\xa9" digits(110) "\\xe3\\x81\\x82\"")
    add_hard_texts("cstr")
    for (i = split("0 2 16 20 40 64 96 128 256", part, " "); i > 0; i--)
        add("hexstr", "\"" digits(part[i]) "\"")
    add("hexstr", "\"0123456789abcdefABCDEF\"")

    add_texts("str", "0 1 7 8 9 63 64 65 103 104 105 200 207 208 209 1000 8191 8192 8193 9000")
    add("str", "fill(65536,'y')")
    add("str", "pattern(256)")
    add("str", "pattern(9000)")
    add("str", "edge(\"edge\")")
    add("str", "edge(\"" digits(311) "\")")
    add("str", "null@0")
    add_hard_texts("str")
    for (i = split("0 1 8 63 64 65 256 65536", part, " "); i > 0; i--)
        add("bytes", "pattern(" part[i] ")")
    for (i = split("0 1 7 8 9 65536", part, " "); i > 0; i--)
        add("preview", "pattern(" part[i] ")")
    add("bytes", "hex\"ff00ff\"")
    add("bytes", "\"GET / HTTP/1.1\\r\\n\"")
    add("bytes", "edge(\"" digits(10) "\")")
    add("bytes", "edge(\"" digits(64) "\")")
    add("bytes", "edge(\"" digits(100) "\")")
    add("preview", "edge(\"" digits(3) "\")")
    add("bytes", "null@0")
    add("bytes", "null@1200")
    add("preview", "null@0")
    add("preview", "null@33")
}

function add_hard_texts(list,    i, text) {
    text = ""
    for (i = 1; i < 256; i++)
        text = text "\\x" sprintf("%02x", i)
    add(list, "\"" text "\"")
    add(list, "\"\\\" \\\\ / %s %d %% \\n\\r\\t{}, \\\"at\\\": 1\"")
    add(list, "\"caf\\xc3\\xa9 \\xe3\\x81\\x82 \\xf0\\x9f\\x98\\x80 \\xf4\\x8f\\xbf\\xbf \\xef\\xbf\\xbd\"")
    add(list, "\"\\xc2\\x80\\xc2\\x9f\\xd8\\x9c\\xe2\\x80\\x8e\\xe2\\x80\\x8f\\xe2\\x80\\xa8\\xe2\\x80\\xae\\xe2\\x81\\xa6\\xe2\\x81\\xa9\"")
    add(list, "\"\\xc2\\xa0\\xd8\\x9b\\xe2\\x80\\x8d\\xe2\\x80\\x90\\xe2\\x80\\xa7\\xe2\\x80\\xaf\\xe2\\x81\\xa5\\xe2\\x81\\xaa\"")
    add(list, "\"\\xff\"")
    add(list, "\"\\xc0\\x80 \\xed\\xa0\\x80 \\xf4\\x90\\x80\\x80 \\xe0\\x9f\\xbf \\xf0\\x8f\\xbf\\xbf \\xc3( \\xe3\\x81\"")
    add(list, "\"ab\\x00cd\\x00\"")
    add(list, "\"\\x00\"")
}

function list_of(key, arg,    field, type) {
    if ((key, arg) in is_length)
        return "len"
    if (!((key, arg) in first_field))
        return "number"
    field = first_field[key, arg]
    type = type_of[field]
    if (field in at_of)
        return at_of[field] == 16 ? "conn" : at_of[field] == 8 ? "stream" : type == "i32" ? "token" : type == "u32" ? "rtt" : "stats"
    return type == "ms" ? "time" : type ~ /^(cstr|hexstr|str|bytes|preview|sockaddr)$/ ? type : "number"
}

# The argument in that round; `length_after` is what a length behind it is.
function argument(key, arg, round,    list, expression, field) {
    list = list_of(key, arg)
    if (list == "len")
        return length_after
    if (list == "number" && round == 0) # tells one argument from the other
        return sprintf("0x01020304050607%x9", arg)
    expression = value[list, (round + (list == "number" ? 4 : 1) * arg) % count[list]]
    if (round == 0 && list == "time")
        expression = "1580154303457"
    field = first_field[key, arg]
    if (list ~ /^(bytes|preview|sockaddr|token)$/ && expression ~ /^null/ && !((field, "null") in has) && !((field, "optional") in has))
        expression = list == "sockaddr" ? "sockaddr(unix)" : "pattern(3)"
    length_after = "len"
    if (expression ~ /^null@/) {
        length_after = substr(expression, 6)
        expression = "null"
    }
    if ((list == "cstr" || list == "str") && ((field, "null") in has) && round % 5 == 1) {
        length_after = 0
        expression = "null"
    }
    return expression
}

function write_script(    n, key, rounds, round, arg, list, line) {
    make_lists()
    for (n = 0; n < probes; n++) {
        key = probe[n]
        rounds = 2
        for (arg = 0; arg < nargs[key]; arg++) {
            list = list_of(key, arg)
            if (count[list] > rounds)
                rounds = count[list]
        }
        for (round = 0; round <= rounds; round++) {
            if (has_three_sites[key] && key != "h2o:receive_request")
                print "fire h2o:receive_request " n " " round " 0x" (1 + round % 3) "00"
            line = "fire " key
            for (arg = 0; arg < nargs[key]; arg++)
                line = line " " argument(key, arg, round)
            print line
            if (round % 4 == 3)
                print "sleep 5"
        }
    }
}

# ------------------------------------------------------------------------------------------------------------- a script

# Values of the arguments of the line: kind[], word[] (an integer), bytes[] (the first 9,000 or so), size[], memory[].

function take(regex,    text) {
    if (!match(rest, regex) || RSTART != 1)
        fail("cannot read: " rest)
    text = substr(rest, 1, RLENGTH)
    rest = substr(rest, RLENGTH + 1)
    return text
}

function plain_hex(text,    i, out) {
    if (text in plain)
        return plain[text]
    out = ""
    for (i = 1; i <= length(text); i++)
        out = out hex_of[substr(text, i, 1)]
    return plain[text] = out
}

function take_escape(    letter) {
    letter = substr(take("\\\\."), 2)
    return letter == "n" ? "0a" : letter == "r" ? "0d" : letter == "t" ? "09" : hex_of[letter]
}

# What is between quotes, as hexadecimal digits.
function take_quoted(    out) {
    take("\"")
    out = ""
    while (substr(rest, 1, 1) != "\"") {
        if (substr(rest, 1, 2) == "\\x") {
            out = out tolower(substr(rest, 3, 2))
            rest = substr(rest, 5)
        } else if (substr(rest, 1, 1) == "\\") {
            out = out take_escape()
        } else {
            out = out plain_hex(take("[^\"\\\\]+"))
        }
    }
    take("\"")
    return out
}

function repeated(unit, len,    out) {
    if (len > 9001)
        len = 9001
    if ((unit, len) in repetition)
        return repetition[unit, len]
    out = unit
    while (length(out) < 2 * len)
        out = out out
    return repetition[unit, len] = substr(out, 1, 2 * len)
}

function keep_bytes(arg, hex, len) {
    kind[arg] = "bytes"
    word[arg] = "0000000000001000" # some address
    bytes[arg] = hex
    size[arg] = last_size = len
}

function take_argument(arg,    name, text, part, i) {
    sub(/^[ \t]+/, "", rest)
    if (substr(rest, 1, 1) == "\"") {
        text = take_quoted()
        keep_bytes(arg, text, length(text) / 2)
        return
    }
    if (rest ~ /^-?[0-9]/) {
        kind[arg] = "number"
        word[arg] = word_of(take("-?(0x[0-9a-f]+|[0-9]+)"))
        return
    }
    name = take("[a-z]+")
    if (name == "null") {
        kind[arg] = "null"
        word[arg] = word_of("0")
    } else if (name == "len") {
        kind[arg] = "number"
        word[arg] = word_of(last_size "")
    } else if (name == "hex") {
        text = take("\"[0-9a-f]*\"")
        keep_bytes(arg, substr(text, 2, length(text) - 2), (length(text) - 2) / 2)
    } else if (name == "edge") {
        take("\\(")
        text = take_quoted()
        take("\\)")
        keep_bytes(arg, text, length(text) / 2)
    } else if (name == "fill") {
        text = take("\\([0-9]+,'.'\\)")
        keep_bytes(arg, repeated(hex_of[substr(text, length(text) - 2, 1)], substr(text, 2) + 0), substr(text, 2) + 0)
    } else if (name == "pattern") {
        text = take("\\([0-9]+\\)")
        keep_bytes(arg, repeated(all_bytes, substr(text, 2) + 0), substr(text, 2) + 0)
    } else {
        kind[arg] = name
        word[arg] = "0000000000001000"
        text = take("\\([^)]*\\)")
        text = substr(text, 2, length(text) - 2)
        if (name == "sockaddr") {
            memory[arg] = text == "unix" ? "family 1" : text
            return
        }
        split(text, part, ",")
        for (i = 1; i in part; i++)
            memory[arg, i] = word_of(part[i])
    }
}

# The 64 bits at an offset of what the argument points to.
function memory_at(arg, offset) {
    if (kind[arg] == "conn" && offset == 16)
        return memory[arg, 1]
    if (kind[arg] == "stream" && offset == 8)
        return memory[arg, 1]
    if (kind[arg] == "rtt")
        return memory[arg, 1 + offset / 4]
    if (kind[arg] == "token" || kind[arg] == "stats")
        return memory[arg, 1 + offset / 8]
    fail("there is nothing at " offset " of " kind[arg])
}

# ----------------------------------------------------------------------------------------------------------------- JSON

function is_continued(hex, at, n,    i) {
    for (i = 1; i < n; i++)
        if (substr(hex, at + 2 * i, 2) !~ /^[89ab]./)
            return 0
    return 1
}

# The bytes of the character of UTF-8 at `at`, and its number in `code`; 0: it is none (RFC 3629).
function utf8_len(hex, at,    first, n, i) {
    code = first = code_of[substr(hex, at, 2)]
    if (first < 128)
        return 1
    n = first >= 240 ? 4 : first >= 224 ? 3 : 2
    if (first < 194 || first > 244 || !is_continued(hex, at, n))
        return 0
    code = first - (n == 4 ? 240 : n == 3 ? 224 : 192)
    for (i = 1; i < n; i++)
        code = code * 64 + code_of[substr(hex, at + 2 * i, 2)] - 128
    return (n == 3 && code < 2048) || (n == 4 && code < 65536) || code > 1114111 || (code >= 55296 && code <= 57343) ? 0 : n
}

function is_unsafe(code) {
    return code < 32 || (code >= 127 && code <= 159) || code == hex_value("061c") || code == hex_value("200e") || \
           code == hex_value("200f") || (code >= hex_value("2028") && code <= hex_value("202e")) || \
           (code >= hex_value("2066") && code <= hex_value("2069"))
}

# Sets `is_valid`.
function json_string(hex,    out, at, n, i) {
    if (hex in strings) {
        is_valid = valid[hex]
        return strings[hex]
    }
    is_valid = 1
    out = ""
    for (at = 1; at <= length(hex); at += 2 * n) {
        n = utf8_len(hex, at)
        if (n == 0) {
            is_valid = 0
            n = 1
            out = out byte_of["ef"] byte_of["bf"] byte_of["bd"]
        } else if (code == 34 || code == 92) {
            out = out "\\" byte_of[substr(hex, at, 2)]
        } else if (is_unsafe(code)) {
            out = out "\\u" sprintf("%04x", code)
        } else {
            for (i = 0; i < n; i++)
                out = out byte_of[substr(hex, at + 2 * i, 2)]
        }
    }
    valid[hex] = is_valid
    return strings[hex] = "\"" out "\""
}

function member(name, value) {
    json = json ", \"" name "\": " value
}

# The full length of a value that was cut, unless the event has a field that shows it anyway.
function put_length(field, len,    i) {
    for (i = 0; i < fields[key] && (field in len_of); i++)
        if (arg_of[key SUBSEP i] == len_of[field] && !is_hidden(key SUBSEP i))
            return
    member(name_of[field] "_len", len)
}

function least(a, b) {
    return a < b ? a : b
}

# How many bytes stand before it.
function first_nul(hex,    at) {
    for (at = 0; 2 * at < length(hex) && substr(hex, 2 * at + 1, 2) != "00";)
        at++
    return at
}

# A header's name, say.
function is_before_str(field,    i, is_seen) {
    for (i = 0; i < fields[key]; i++) {
        if (is_seen && type_of[key SUBSEP i] == "str")
            return 1
        is_seen = is_seen || key SUBSEP i == field
    }
    return 0
}

function put_text(field, arg, type,    hex, len, shown, at) {
    hex = bytes[arg]
    if (type == "str") {
        len = decimal(word[len_of[field]], 0) + 0
        shown = least(least(len, limit), is_before_str(field) ? 512 : len)
        at = first_nul(hex)
        if (at < len - 1 || (len == 1 && at == 0))
            shown = least(shown, at)
        hex = substr(hex, 1, 2 * shown)
    } else {
        len = shown = 0
        for (at = 1; substr(hex, at, 2) != "00" && at <= length(hex); at += 2)
            len++
        hex = substr(hex, 1, 2 * len)
        if (len > 1000) {
            member(name_of[field], "LONG")
            put_length(field, "null")
            return
        }
        shown = len
    }
    member(name_of[field], json_string(hex))
    if (!is_valid)
        member(name_of[field] "_hex", "\"" hex "\"")
    if (shown < len)
        put_length(field, len)
}

function put_bytes(field, arg, limit, is_marked,    len, shown) {
    len = decimal(word[len_of[field]], 0) + 0
    shown = len > limit ? limit : len
    member(name_of[field], "\"" substr(bytes[arg], 1, 2 * shown) "\"")
    if (is_marked && shown < len)
        put_length(field, len)
}

function put_number(field, arg, type,    number) {
    number = field in at_of ? memory_at(arg, at_of[field]) : word[arg]
    number = cut(number, bits_of(type), is_signed(type))
    member(name_of[field], decimal(number, is_signed(type)))
    if (names && (field in table_of) && ((table_of[field], number) in label))
        member(name_of[field] "_name", json_string(plain_hex(label[table_of[field], number])))
}

function is_hidden(field) {
    return (((field, "app-data") in has) && !app) || (((field, "secret") in has) && !secrets)
}

function put_field(field,    arg, type) {
    arg = arg_of[field]
    type = type_of[field]
    if (type == "ms" || is_hidden(field) || (((field, "optional") in has) && kind[arg] == "null"))
        return
    if ((((field, "null") in has) && kind[arg] == "null") || ((field in known_by) && word[known_by[field]] == word_of("0")))
        member(name_of[field], "null")
    else if (type == "str" || type == "cstr" || type == "hexstr")
        put_text(field, arg, type)
    else if (type == "bytes")
        put_bytes(field, arg, 64, 1)
    else if (type == "preview")
        put_bytes(field, arg, 8, 0)
    else if (type == "sockaddr")
        member(name_of[field], "\"" memory[arg] "\"")
    else
        put_number(field, arg, type)
}

mode == "expect" && $1 == "fire" {
    key = $2
    if (!(key in event))
        fail("the catalogue has no description that fits " key)
    rest = $0
    sub(/^fire +[^ ]+ */, "", rest)
    for (arg = 0; arg < nargs[key]; arg++) {
        bytes[arg] = ""
        take_argument(arg)
        if (kind[arg] == "number")
            word[arg] = cut(word[arg], bits_of(type_of_arg[key, arg]), is_signed(type_of_arg[key, arg]))
    }
    at = "NOW"
    for (i = 0; i < fields[key]; i++)
        if (type_of[key SUBSEP i] == "ms")
            at = decimal(word[arg_of[key SUBSEP i]], 1)
    if (at == "0")
        at = "NOW"
    json = ""
    for (i = 0; i < fields[key]; i++)
        put_field(key SUBSEP i)
    seq++
    if (extra)
        json = json ", \"provider\": \"" substr(key, 1, index(key, ":") - 1) "\", \"pid\": " pid ", \"tid\": " tid ", \"seq\": " seq ", \"nsecs\": NSECS"
    print "{\"at\": " at ", \"type\": \"" event[key] "\"" json "}"
}

# ------------------------------------------------------------------------------------------------------ h2olog's output

mode == "normalise" {
    if (match($0, /^\{"at": [0-9]+,/)) {
        time = substr($0, 8, RLENGTH - 8)
        if (length(time) <= 15 && time + 0 >= from + 0 && time + 0 <= to + 0)
            $0 = "{\"at\": NOW" substr($0, RLENGTH)
    }
    if (match($0, /"nsecs": [0-9]+\}$/)) {
        nsecs = substr($0, RSTART + 9, RLENGTH - 10) + 0
        $0 = substr($0, 1, RSTART - 1) "\"nsecs\": " (nsecs >= last_nsecs ? "NSECS" : nsecs " after " last_nsecs) "}"
        last_nsecs = nsecs
    }
    done = ""
    while (match($0, /"zzzz+"/)) {
        is_cut = RLENGTH - 2 >= 1008 && RLENGTH - 2 <= 1024 + 512
        done = done substr($0, 1, RSTART - 1) (is_cut ? "LONG" : substr($0, RSTART, RLENGTH))
        $0 = substr($0, RSTART + RLENGTH)
    }
    print done $0
}

function complain(message) {
    if (complaints++ < 5)
        print FNR ": " message ": " substr($0, 1, 200)
}

# A strict reading: what h2olog writes is an object without any in it.
mode == "check" {
    text = $0
    gsub(/"([^"\\\001-\037]|\\["\\\/bfnrt]|\\u[0-9a-fA-F][0-9a-fA-F][0-9a-fA-F][0-9a-fA-F])*"/, "S", text)
    if (text !~ /^\{(S: (S|-?(0|[1-9][0-9]*)|true|false|null)(, S: (S|-?(0|[1-9][0-9]*)|true|false|null))*)?\}$/)
        complain("no JSON object")
    split("", seen)
    text = $0
    while (match(text, /"[a-z0-9_]+": /)) {
        name = substr(text, RSTART, RLENGTH)
        text = substr(text, RSTART + RLENGTH)
        if (name in seen)
            complain("twice " name)
        seen[name] = 1
        if (match(text, /^"([^"\\]|\\.)*"/))
            text = substr(text, RLENGTH + 1)
    }
}

END {
    if (failed)
        exit 1
    if (mode == "fire")
        write_script()
    if (mode == "secrets")
        for (i = 0; i < probes; i++)
            if (probe[i] in has_secret)
                print probe[i]
    if (complaints)
        exit 1
}
