# shellcheck shell=bash
# A stack's Redis. To be sourced by servers.sh.

redis_create() {
        own_folder redis "$STACK/redis"
        secret redis
}

redis_configure() {
        secret redis
        (
                umask 077
                cat >"$STACK/secrets/redis.conf" <<-END
			bind 127.0.0.1
			port $REDIS_PORT
			unixsocket $RUN/redis/socket
			unixsocketperm 700
			requirepass $REPLY
			dir $STACK/redis
			appendonly yes
			maxmemory-policy noeviction
			daemonize no
		END
        )
}

redis_ready() {
        local reply
        secret redis
        reply=$(REDISCLI_AUTH=$REPLY redis-cli -s "$RUN/redis/socket" ping 2>/dev/null) && [[ $reply == PONG ]]
}

redis_start() {
        if process_pid redis; then
                process_signal redis CONT
        else
                port_reserve REDIS_PORT ${USUAL_PORTS:+6379}
                own_folder redis "$RUN/redis"
                drop_to redis
                redis_configure
                # By standard input, so that the password is in no command line and no file of Redis' own.
                process_start redis bash -c 'exec "${@:2}" <"$1"' - "$STACK/secrets/redis.conf" \
                        "${DROP[@]}" redis-server -
        fi
        process_await redis 30 redis_ready
}

redis_stop() {
        process_stop redis TERM 10
}
