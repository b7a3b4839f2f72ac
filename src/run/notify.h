#ifndef NOTIFY_H
#define NOTIFY_H

/* Tells the service manager, if NOTIFY_SOCKET names one, that the service is ready: sd_notify(3), "READY=1". A manager that
 * cannot be told is none. */
void notify_ready(void);

#endif
