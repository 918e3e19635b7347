package zeebe

// #include "glue.h"
import "C"

// ZeebeAddress is the gateway's address: ZEEBE_ADDRESS, else the default, else localhost:26500. As everywhere here, an empty variable
// or default counts as not given.
func ZeebeAddress(defaultValue string) (string, error) {
	return valueOr(defaultValue, func(or *C.char, value **C.char) *C.zeebe_error { return C.zeebe_get_zeebe_address(or, value) })
}

// CamundaOAuthURL is the token URL: CAMUNDA_OAUTH_URL, else ZEEBE_AUTHORIZATION_SERVER_URL, else the default.
func CamundaOAuthURL(defaultValue string) (string, error) {
	return valueOr(defaultValue, func(or *C.char, value **C.char) *C.zeebe_error { return C.zeebe_get_camunda_oauth_url(or, value) })
}

// CamundaClientID is CAMUNDA_CLIENT_ID, else ZEEBE_CLIENT_ID.
func CamundaClientID() (string, error) {
	return value(func(value **C.char) *C.zeebe_error { return C.zeebe_get_camunda_client_id(value) })
}

// CamundaClientSecret is CAMUNDA_CLIENT_SECRET, else ZEEBE_CLIENT_SECRET.
func CamundaClientSecret() (string, error) {
	return value(func(value **C.char) *C.zeebe_error { return C.zeebe_get_camunda_client_secret(value) })
}

// CamundaClusterID is CAMUNDA_CLUSTER_ID.
func CamundaClusterID() (string, error) {
	return value(func(value **C.char) *C.zeebe_error { return C.zeebe_get_camunda_cluster_id(value) })
}

// CamundaClusterRegion is CAMUNDA_CLUSTER_REGION, else the default.
func CamundaClusterRegion(defaultValue string) (string, error) {
	return valueOr(defaultValue, func(or *C.char, value **C.char) *C.zeebe_error { return C.zeebe_get_camunda_cluster_region(or, value) })
}

// CamundaTokenAudience is CAMUNDA_TOKEN_AUDIENCE, else ZEEBE_TOKEN_AUDIENCE, else the default.
func CamundaTokenAudience(defaultValue string) (string, error) {
	return valueOr(defaultValue, func(or *C.char, value **C.char) *C.zeebe_error { return C.zeebe_get_camunda_token_audience(or, value) })
}

// CamundaAddress is the address of a cluster in Camunda's cloud. It reads no variable.
func CamundaAddress(clusterID, clusterRegion string) (string, error) {
	var memory arena
	defer memory.free()
	id, region := memory.notEmpty("the cluster's id", clusterID), memory.notEmpty("the cluster's region", clusterRegion)
	if memory.err != nil {
		return "", memory.err
	}
	return value(func(value **C.char) *C.zeebe_error { return C.zeebe_get_camunda_address(id, region, value) })
}

func value(get func(**C.char) *C.zeebe_error) (string, error) {
	var text *C.char
	if err := takeError(get(&text)); err != nil {
		return "", err
	}
	return takeString(text), nil
}

func valueOr(defaultValue string, get func(*C.char, **C.char) *C.zeebe_error) (string, error) {
	var memory arena
	defer memory.free()
	or := memory.notEmpty("the default", defaultValue)
	if memory.err != nil {
		return "", memory.err
	}
	return value(func(value **C.char) *C.zeebe_error { return get(or, value) })
}
