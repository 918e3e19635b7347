package org.libzeebe;

/** How a client proves who it is to the token endpoint. */
public enum ClientAuthentication {
  /** {@link #BASIC} for OAuth channels, {@link #BODY} for Camunda's cloud. */
  DEFAULT,
  /** HTTP Basic of id and secret as they are. */
  BASIC,
  /** HTTP Basic of id and secret, each form-encoded first (RFC 6749 section 2.3.1). */
  BASIC_RFC6749,
  /** {@code client_id} and {@code client_secret} in the body. */
  BODY,
  /** An assertion that the private key signs (RFC 7523): RS256 or ES256. */
  PRIVATE_KEY_JWT,
  /** {@code client_id} in the body, and the certificate chain on the TLS connection (RFC 8705). */
  TLS
}
