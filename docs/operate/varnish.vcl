vcl 4.1;

# Varnish in front of one or several nodes, behind whatever ends TLS. As nginx.conf beside
# this: kept is only what is the same for everybody and never changes.
#
# Run varnishd with -p http_gzip_support=off: else it asks for gzip alone, and no browser
# gets the smaller Brotli.

backend node1 {
    .host = "127.0.0.1";
    .port = "8080";
    .connect_timeout = 2s;
    .first_byte_timeout = 40s;
}

acl tls {
    # Where TLS is ended: whoever comes from there has put the client's address into
    # X-Forwarded-For. From everybody else that header is not believed.
    "127.0.0.1";
}

sub vcl_recv {
    if (req.method == "PRI") {
        return (synth(405));
    }
    # Varnish has added the address it sees to what was there.
    if (client.ip !~ tls) {
        set req.http.X-Forwarded-For = client.ip;
    }
    unset req.http.X-Forwarded-Host;
    unset req.http.Forwarded;

    if ((req.method == "GET" || req.method == "HEAD") &&
        req.url ~ "^/(b/[^/?]+/([0-9a-f]+|pinned/[0-9A-Za-z_-]+)\.js|log/tile/[^?]+|assets/[^?]+)(\?.*)?$") {
        # Nothing of this depends on the query, a cookie or a password.
        set req.url = regsub(req.url, "\?.*$", "");
        unset req.http.Cookie;
        unset req.http.Authorization;
        # One copy of each encoding, however browsers write what they take.
        if (req.http.Accept-Encoding ~ "\bbr\b" && req.http.Accept-Encoding !~ "\bbr;q=0(\.0*)?(,|$)") {
            set req.http.Accept-Encoding = "br";
        } elsif (req.http.Accept-Encoding ~ "\bgzip\b" && req.http.Accept-Encoding !~ "\bgzip;q=0(\.0*)?(,|$)") {
            set req.http.Accept-Encoding = "gzip";
        } else {
            unset req.http.Accept-Encoding;
        }
        return (hash);
    }
    return (pass);
}

sub vcl_backend_response {
    # Without Cache-Control Varnish would keep an answer for two minutes.
    if (bereq.uncacheable || beresp.http.Set-Cookie || beresp.http.Cache-Control !~ "public") {
        set beresp.uncacheable = true;
        return (deliver);
    }
    set beresp.grace = 1h;
    return (deliver);
}

sub vcl_deliver {
    if (obj.hits > 0) {
        set resp.http.X-Cache = "HIT";
    } elsif (obj.uncacheable) {
        set resp.http.X-Cache = "PASS";
    } else {
        set resp.http.X-Cache = "MISS";
    }
}
