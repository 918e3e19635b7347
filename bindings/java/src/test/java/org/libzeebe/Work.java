package org.libzeebe;

import com.google.protobuf.ByteString;
import gateway_protocol.GatewayGrpc;
import gateway_protocol.GatewayOuterClass.ActivatedJob;
import gateway_protocol.GatewayOuterClass.CompleteJobRequest;
import gateway_protocol.GatewayOuterClass.CreateProcessInstanceRequest;
import gateway_protocol.GatewayOuterClass.CreateProcessInstanceWithResultRequest;
import gateway_protocol.GatewayOuterClass.CreateProcessInstanceWithResultResponse;
import gateway_protocol.GatewayOuterClass.DeployResourceRequest;
import gateway_protocol.GatewayOuterClass.Resource;
import gateway_protocol.GatewayOuterClass.StreamActivatedJobsRequest;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

/** Jobs of type {@code work}, and their streams. */
final class Work {
  private static final String PROCESS =
      """
      <definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:z="http://camunda.org/schema/zeebe/1.0">
        <process id="work" isExecutable="true"><startEvent id="s"/>
          <serviceTask id="t"><extensionElements><z:taskDefinition type="work"/></extensionElements></serviceTask>
          <endEvent id="e"/><sequenceFlow id="1" sourceRef="s" targetRef="t"/><sequenceFlow id="2" sourceRef="t" targetRef="e"/>
        </process></definitions>
      """;

  private final ZeebeChannel channel;

  /** Deploys the process. */
  Work(ZeebeChannel channel) {
    this.channel = channel;
    var resource =
        Resource.newBuilder().setName("work.bpmn").setContent(ByteString.copyFromUtf8(PROCESS));
    soon().deployResource(DeployResourceRequest.newBuilder().addResources(resource).build());
  }

  private GatewayGrpc.GatewayBlockingStub soon() {
    return GatewayGrpc.newBlockingStub(channel).withDeadlineAfter(20, TimeUnit.SECONDS);
  }

  void create(int count) {
    for (int i = 0; i < count; i++) {
      create("{}");
    }
  }

  void create(String variables) {
    soon()
        .createProcessInstance(
            CreateProcessInstanceRequest.newBuilder()
                .setBpmnProcessId("work")
                .setVersion(-1)
                .setVariables(variables)
                .build());
  }

  /** Answers with its variables, once its job is completed. */
  Future<CreateProcessInstanceWithResultResponse> createWithResult(String variables) {
    var request =
        CreateProcessInstanceRequest.newBuilder()
            .setBpmnProcessId("work")
            .setVersion(-1)
            .setVariables(variables);
    return GatewayGrpc.newFutureStub(channel)
        .withDeadlineAfter(20, TimeUnit.SECONDS)
        .createProcessInstanceWithResult(
            CreateProcessInstanceWithResultRequest.newBuilder()
                .setRequest(request)
                .setRequestTimeout(20_000)
                .build());
  }

  void complete(ActivatedJob job) {
    soon().completeJob(CompleteJobRequest.newBuilder().setJobKey(job.getKey()).build());
  }

  static JobStreamBuilder<ActivatedJob> stream(ZeebeChannel channel) {
    return channel.streamJobs(
        GatewayGrpc.getStreamActivatedJobsMethod(),
        StreamActivatedJobsRequest.newBuilder()
            .setType("work")
            .setWorker("test")
            .setTimeout(60_000)
            .build());
  }
}
