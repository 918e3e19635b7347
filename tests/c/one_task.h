/* Processes of one task, by a name that is also the type of their jobs. */
#ifndef ONE_TASK_H
#define ONE_TASK_H

#include "gateway.h"

/* A process whose task has a header and two retries, for a tenant; its error "boom" is caught. */
static inline void deploy(const zeebe_channel *channel, const char *id, const char *headers, const char *tenant)
{
    char bpmn[2048], request[4096], *answer = NULL;
    snprintf(
        bpmn, sizeof bpmn,
        "<definitions xmlns=\"http://www.omg.org/spec/BPMN/20100524/MODEL\" xmlns:z=\"http://camunda.org/schema/zeebe/1.0\">"
        "<error id=\"x\" errorCode=\"boom\"/><process id=\"%s\" isExecutable=\"true\"><startEvent id=\"s\"/><serviceTask id=\"t\"><extensionElements>"
        "<z:taskDefinition type=\"%s\" retries=\"2\"/><z:taskHeaders>%s</z:taskHeaders></extensionElements></serviceTask>"
        "<boundaryEvent id=\"b\" attachedToRef=\"t\"><errorEventDefinition errorRef=\"x\"/></boundaryEvent><endEvent id=\"e\"/><endEvent id=\"f\"/>"
        "<sequenceFlow id=\"1\" sourceRef=\"s\" targetRef=\"t\"/><sequenceFlow id=\"2\" sourceRef=\"t\" targetRef=\"e\"/>"
        "<sequenceFlow id=\"3\" sourceRef=\"b\" targetRef=\"f\"/></process></definitions>",
        id, id, headers);
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    int at = snprintf(request, sizeof request, "{\"tenantId\":\"%s\",\"resources\":[{\"name\":\"%s.bpmn\",\"content\":\"", tenant, id);
    size_t length = strlen(bpmn);
    for (size_t i = 0; i < length; i += 3) {
        unsigned bits = (unsigned)(unsigned char)bpmn[i] << 16 | (i + 1 < length ? (unsigned)(unsigned char)bpmn[i + 1] << 8 : 0) |
                        (i + 2 < length ? (unsigned char)bpmn[i + 2] : 0);
        for (int j = 0; j < 4; j++) request[at++] = i + (size_t)j <= length ? letters[bits >> (18 - 6 * j) & 63] : '=';
    }
    strcpy(request + at, "\"}]}");
    OK(zeebe_channel_json_call_sync(channel, "DeployResource", request, NULL, &answer));
    zeebe_string_free(answer);
}

/* An instance of it. */
static inline void create(const zeebe_channel *channel, const char *id, const char *variables, const char *tenant)
{
    char request[512], *answer = NULL;
    snprintf(request, sizeof request, "{\"bpmnProcessId\":\"%s\",\"version\":-1,\"variables\":\"%s\",\"tenantId\":\"%s\"}", id, variables, tenant);
    OK(zeebe_channel_json_call_sync(channel, "CreateProcessInstance", request, NULL, &answer));
    zeebe_string_free(answer);
}

#endif
