#include "catalog/counters.h"

const struct counter_row counter_rows[COUNTERS] = {
    [COUNTER_CONNECTIONS_OPEN] = {"connections_open", "Connections that are open, of TCP and QUIC.", true},
    [COUNTER_CONNECTIONS_ACTIVE] = {"connections_active", "Connections with requests in progress.", true},
    [COUNTER_QUIC_CONNECTIONS_OPEN] = {"quic_connections_open", "Connections of QUIC that are open.", true},
    [COUNTER_CONNECTIONS_OPENED] = {"connections_opened", "Connections that were opened, of TCP and QUIC.", false},
    [COUNTER_CONNECTIONS_CLOSED] = {"connections_closed", "Connections that were closed, of TCP and QUIC.", false},
    [COUNTER_TLS_HANDSHAKES_FULL] = {"tls_handshakes_full", "Full handshakes of TLS over TCP.", false},
    [COUNTER_TLS_HANDSHAKES_RESUMED] = {"tls_handshakes_resumed", "Resumed handshakes of TLS over TCP.", false},
    [COUNTER_TLS_HANDSHAKES_FAILED] = {"tls_handshakes_failed", "Handshakes of TLS over TCP that failed.", false},
    [COUNTER_QUIC_HANDSHAKES] = {"quic_handshakes", "HANDSHAKE_DONE frames sent, by connections of QUIC that have ended.",
                                 false},
    [COUNTER_QUIC_HANDSHAKE_TIMEOUTS] = {"quic_handshake_timeouts", "Handshakes of QUIC that made no progress.", false},
    [COUNTER_QUIC_PACKETS_RECEIVED] = {"quic_packets_received", "Packets of QUIC that were received.", false},
    [COUNTER_QUIC_PACKETS_SENT] = {"quic_packets_sent", "Packets sent by connections of QUIC that have ended.", false},
    [COUNTER_QUIC_PACKETS_LOST] = {"quic_packets_lost", "Packets lost by connections of QUIC that have ended.", false},
};

bool
counters_find(struct slice name, int *counter)
{
    for (*counter = 0; *counter < COUNTERS; ++*counter)
        if (text_is(name, counter_rows[*counter].name))
            return true;
    return false;
}

void
counters_write(struct outbuf *out, const struct counters *counters)
{
    text_printf(out, "of_run=%d", counters->is_of_run);
    for (int i = 0; i < COUNTERS; i++)
        if (counters->are_known[i])
            text_printf(out, " %s=%lu", counter_rows[i].name, counters->numbers[i]);
}

bool
counters_read(struct counters *counters, struct slice text)
{
    struct slice word;
    *counters = (struct counters){.are_known = {false}};
    while (text_word(&text, &word)) {
        uint64_t number;
        int counter;
        struct slice name = text_cut(&word, '=');
        if (!text_number(word, UINT64_MAX, &number))
            return false;
        counters->is_of_run |= text_is(name, "of_run") && number != 0;
        if (!counters_find(name, &counter))
            continue;
        counters->numbers[counter] = number;
        counters->are_known[counter] = true;
    }
    return true;
}
