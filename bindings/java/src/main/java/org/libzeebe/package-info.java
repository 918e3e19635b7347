/**
 * A gRPC channel to a Zeebe gateway over libzeebe.
 *
 * <p>{@link org.libzeebe.ZeebeChannel} is a {@code io.grpc.ManagedChannel}: any generated stub runs on it. Its builder has one
 * form for each way to a gateway.
 */
package org.libzeebe;
