import com.google.protobuf.ByteString;
import gateway_protocol.GatewayGrpc;
import gateway_protocol.GatewayOuterClass.ActivatedJob;
import gateway_protocol.GatewayOuterClass.CompleteJobRequest;
import gateway_protocol.GatewayOuterClass.CreateProcessInstanceRequest;
import gateway_protocol.GatewayOuterClass.DeployResourceRequest;
import gateway_protocol.GatewayOuterClass.Resource;
import gateway_protocol.GatewayOuterClass.StreamActivatedJobsRequest;
import java.util.Iterator;
import java.util.concurrent.TimeUnit;
import org.libzeebe.ZeebeChannel;

/**
 * A job worker: deploys a process, creates instances of it, and completes their jobs as the gateway pushes them.
 *
 * <p>The environment names the gateway: ZEEBE_ADDRESS, CAMUNDA_CLIENT_ID, ...
 */
public class Worker {
  private static final int INSTANCES = 10;
  private static final String PROCESS =
      """
      <definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:z="http://camunda.org/schema/zeebe/1.0">
        <process id="greeting" isExecutable="true">
          <startEvent id="start"/>
          <serviceTask id="greet">
            <extensionElements><z:taskDefinition type="greet"/></extensionElements>
          </serviceTask>
          <endEvent id="end"/>
          <sequenceFlow id="first" sourceRef="start" targetRef="greet"/>
          <sequenceFlow id="second" sourceRef="greet" targetRef="end"/>
        </process>
      </definitions>
      """;

  public static void main(String[] args) {
    try (ZeebeChannel channel = ZeebeChannel.fromEnvironment().build()) {
      var gateway = GatewayGrpc.newBlockingStub(channel);
      // The stream ends with the channel; its deadline is that of this example.
      Iterator<ActivatedJob> jobs =
          gateway
              .withDeadlineAfter(60, TimeUnit.SECONDS)
              .streamActivatedJobs(
                  StreamActivatedJobsRequest.newBuilder()
                      .setType("greet")
                      .setWorker("worker")
                      .setTimeout(30_000)
                      .build());
      deploy(gateway);
      for (int i = 0; i < INSTANCES; i++) {
        create(gateway, i);
      }
      for (int i = 0; i < INSTANCES; i++) {
        complete(gateway, jobs.next());
      }
    }
  }

  private static GatewayGrpc.GatewayBlockingStub soon(GatewayGrpc.GatewayBlockingStub gateway) {
    return gateway.withDeadlineAfter(10, TimeUnit.SECONDS);
  }

  private static void deploy(GatewayGrpc.GatewayBlockingStub gateway) {
    var resource =
        Resource.newBuilder()
            .setName("greeting.bpmn")
            .setContent(ByteString.copyFromUtf8(PROCESS));
    soon(gateway).deployResource(DeployResourceRequest.newBuilder().addResources(resource).build());
  }

  private static void create(GatewayGrpc.GatewayBlockingStub gateway, int number) {
    soon(gateway)
        .createProcessInstance(
            CreateProcessInstanceRequest.newBuilder()
                .setBpmnProcessId("greeting")
                .setVersion(-1)
                .setVariables("{\"number\": " + number + "}")
                .build());
  }

  private static void complete(GatewayGrpc.GatewayBlockingStub gateway, ActivatedJob job) {
    System.out.println("job " + job.getVariables());
    soon(gateway)
        .completeJob(
            CompleteJobRequest.newBuilder()
                .setJobKey(job.getKey())
                .setVariables("{\"greeting\": \"hello\"}")
                .build());
  }
}
