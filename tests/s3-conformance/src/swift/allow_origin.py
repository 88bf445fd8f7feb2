"""Lets the page's origin read every answer of Swift's S3 front, as a proxy server before it would.

Swift itself allows an origin only on those answers that come from its object servers, so that a page could
not read what CreateMultipartUpload answers, nor any error.
"""


def filter_factory(global_configuration, origins, exposed, **_):
    """A WSGI filter (PEP 3333) for PasteDeploy; both settings are lists with commas."""
    del global_configuration
    allowed = origins.split(",")

    def around(application):
        def answer(environment, start_response):
            origin = environment.get("HTTP_ORIGIN")

            def start(status, headers, exc_info=None):
                names = {name.lower() for name, _ in headers}
                if origin in allowed and "access-control-allow-origin" not in names:
                    headers = headers + [
                        ("Access-Control-Allow-Origin", origin),
                        ("Access-Control-Expose-Headers", exposed),
                    ]
                return start_response(status, headers, exc_info)

            return application(environment, start)

        return answer

    return around
